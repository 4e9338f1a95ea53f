use std::time::Duration;

use super::*;

const SOON: Duration = Duration::from_secs(1);

fn pool(plugin: &str) -> PoolKey {
    PoolKey::new(plugin, "tenant")
}

#[tokio::test(start_paused = true)]
async fn one_pool_does_not_take_what_others_have() {
    let slots = Slots::new(4, 2);
    let waits = Mutex::default();
    let greedy = [slots.acquire(&pool("a"), |_| (), &waits).await, slots.acquire(&pool("a"), |_| (), &waits).await];
    assert!(tokio::time::timeout(SOON, slots.acquire(&pool("a"), |_| (), &waits)).await.is_err());
    assert_eq!(*waits.lock().unwrap(), Some(BusyWith::Pool { pool: pool("a"), most: 2 }));
    let other = slots.acquire(&pool("b"), |_| (), &waits).await;
    drop(greedy);
    let again = slots.acquire(&pool("a"), |_| (), &waits).await;
    drop((other, again));
}

#[tokio::test(start_paused = true)]
async fn all_together_have_a_bound() {
    let slots = Slots::new(2, 2);
    let waits = Mutex::default();
    let held = [slots.acquire(&pool("a"), |_| (), &waits).await, slots.acquire(&pool("b"), |_| (), &waits).await];
    assert!(tokio::time::timeout(SOON, slots.acquire(&pool("c"), |_| (), &waits)).await.is_err());
    assert_eq!(*waits.lock().unwrap(), Some(BusyWith::All { most: 2 }));
    drop(held);
    assert!(tokio::time::timeout(SOON, slots.acquire(&pool("c"), |_| (), &waits)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn room_is_asked_for_only_when_there_is_none() {
    let slots = Slots::new(8, 1);
    let waits = Mutex::default();
    let asked = Mutex::new(Vec::new());
    let room = |pool: Option<&PoolKey>| asked.lock().unwrap().push(pool.cloned());
    let held = slots.acquire(&pool("a"), room, &waits).await;
    assert!(asked.lock().unwrap().is_empty());
    assert!(!slots.wanted(&pool("a")));
    let second = tokio::time::timeout(SOON, slots.acquire(&pool("a"), room, &waits)).await;
    assert!(second.is_err());
    assert_eq!(*asked.lock().unwrap(), [Some(pool("a"))]);
    drop(held);
}

#[tokio::test]
async fn gates_of_pools_that_are_gone_are_forgotten() {
    let slots = Slots::new(8, 1);
    let waits = Mutex::default();
    let held = slots.acquire(&pool("held"), |_| (), &waits).await;
    for number in 0..4 * REMEMBERED {
        drop(slots.acquire(&pool(&number.to_string()), |_| (), &waits).await);
    }
    let pools = slots.pools.lock().unwrap();
    assert!(pools.len() <= REMEMBERED && pools.contains_key(&pool("held")));
    drop(held);
}
