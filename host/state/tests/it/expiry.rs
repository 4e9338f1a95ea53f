//! What has expired is gone, and gives back what it took.

use std::time::Duration;

use cofferdam_state::{Quota, Space, Swap, Usage};

use crate::stores::{Stores, ample, both, key, space, until};

both!(
    an_entry_is_gone_when_its_time_is_over,
    what_has_expired_makes_room,
    more_than_one_batch_of_what_has_expired_makes_room,
    a_great_many_that_have_expired_make_room,
    what_has_expired_and_is_still_kept_is_not_there,
    each_write_begins_the_time_again,
    a_number_and_a_swap_expire_too,
    a_space_nobody_writes_to_is_counted_as_empty,
);

fn brief() -> Quota {
    Quota { ttl: Some(Duration::from_millis(200)), ..ample() }
}

async fn an_entry_is_gone_when_its_time_is_over(stores: Stores) {
    let store = &stores.one;
    store.set(&space(), &key("stays"), b"v".to_vec(), &ample()).await.unwrap();
    let long = Quota { ttl: Some(Duration::from_secs(3600)), ..ample() };
    store.set(&space(), &key("stays long"), b"v".to_vec(), &long).await.unwrap();
    store.set(&space(), &key("goes"), b"v".to_vec(), &brief()).await.unwrap();
    until("it is gone", async || !stores.other.exists(&space(), &key("goes")).await.unwrap()).await;
    assert_eq!(store.get(&space(), &key("goes")).await.unwrap(), None);
    assert_eq!(store.get_many(&space(), &[key("goes")]).await.unwrap(), [None]);
    let left = [key("stays"), key("stays long")];
    assert_eq!(store.list(&space(), None, 10).await.unwrap().keys, left);
    assert_eq!(store.usage(&space()).await.unwrap(), Usage { keys: 2, bytes: 17 });
}

async fn what_has_expired_makes_room(stores: Stores) {
    let quota = Quota { keys: 1, bytes: 10, value: 9, ttl: Some(Duration::from_millis(200)) };
    stores.one.set(&space(), &key("a"), vec![0; 9], &quota).await.unwrap();
    let write = async || stores.one.set(&space(), &key("b"), vec![0; 9], &quota).await.is_ok();
    until("there is room", write).await;
    assert_eq!(stores.one.usage(&space()).await.unwrap(), Usage { keys: 1, bytes: 10 });
    let write = async || stores.one.increment(&space(), &key("n"), 1, &quota).await.is_ok();
    until("there is room for a number", write).await;
    let write = async || stores.one.swap(&space(), &key("s"), None, vec![0; 9], &quota).await.is_ok();
    until("there is room for a swap", write).await;
    // The one that expired gives room to itself too.
    until("it is gone", async || !stores.one.exists(&space(), &key("s")).await.unwrap()).await;
    stores.one.set(&space(), &key("s"), vec![1; 9], &quota).await.unwrap();
    assert_eq!(stores.one.usage(&space()).await.unwrap(), Usage { keys: 1, bytes: 10 });
}

async fn more_than_one_batch_of_what_has_expired_makes_room(stores: Stores) {
    let quota = Quota { keys: 700, ..brief() };
    let pairs = |name: &str| (0..700).map(|at| (key(&format!("{name}{at}")), vec![0; 10])).collect::<Vec<_>>();
    stores.one.set_many(&space(), pairs("a"), &quota).await.unwrap();
    until("all are gone", async || stores.one.usage(&space()).await.unwrap().keys == 0).await;
    let lasting = Quota { ttl: None, ..quota };
    stores.one.set_many(&space(), pairs("b"), &lasting).await.unwrap();
    let bytes = 700 * 10 + 10 * 2 + 90 * 3 + 600 * 4;
    assert_eq!(stores.one.usage(&space()).await.unwrap(), Usage { keys: 700, bytes });
}

/// More than one operation clears away at once.
async fn a_great_many_that_have_expired_make_room(stores: Stores) {
    // Long enough to write all of them before the first expires.
    let quota = Quota { keys: 9000, ttl: Some(Duration::from_secs(4)), ..ample() };
    for batch in 0..9 {
        let pairs = (0..1000).map(|at| (key(&format!("a{batch}/{at}")), vec![0])).collect();
        stores.one.set_many(&space(), pairs, &quota).await.unwrap();
    }
    // Lists clear nothing away.
    until("all are gone", async || stores.one.list(&space(), None, 1).await.unwrap().keys.is_empty()).await;
    let lasting = Quota { keys: 1, bytes: 10, value: 1, ttl: None };
    stores.other.set(&space(), &key("b"), vec![0], &lasting).await.unwrap();
    assert_eq!(stores.one.usage(&space()).await.unwrap(), Usage { keys: 1, bytes: 2 });
}

/// Each write clears a hundred or so away; the last ones are met before it is their turn.
async fn what_has_expired_and_is_still_kept_is_not_there(stores: Stores) {
    let store = &stores.one;
    let name = |at: usize| key(&format!("k{at:03}"));
    // Without it, a server would forget the whole space at once.
    store.set(&space(), &key("a"), Vec::new(), &ample()).await.unwrap();
    let pairs = (0..1000).map(|at| (name(at), b"x".to_vec())).collect();
    store.set_many(&space(), pairs, &brief()).await.unwrap();
    until("all are gone", async || store.list(&space(), None, 2).await.unwrap().keys.len() == 1).await;
    let exact = Quota { keys: 5, bytes: 22, value: 2, ttl: None };
    assert_eq!(store.swap(&space(), &name(999), Some(b"x"), b"y".to_vec(), &exact).await.unwrap(), Swap::Lost(None));
    assert_eq!(store.swap(&space(), &name(998), None, b"y".to_vec(), &exact).await.unwrap(), Swap::Done);
    assert_eq!(store.increment(&space(), &name(997), 1, &exact).await.unwrap(), 1);
    store.set(&space(), &name(996), b"zz".to_vec(), &exact).await.unwrap();
    store.delete(&space(), &name(995)).await.unwrap();
    store.set(&space(), &name(994), b"z".to_vec(), &exact).await.unwrap();
    let left = [key("a"), name(994), name(996), name(997), name(998)];
    assert_eq!(store.list(&space(), None, 10).await.unwrap().keys, left);
    assert_eq!(store.usage(&space()).await.unwrap(), Usage { keys: 5, bytes: 22 });
    assert!(store.set(&space(), &name(0), Vec::new(), &exact).await.is_err());
}

async fn each_write_begins_the_time_again(stores: Stores) {
    let store = &stores.one;
    store.set(&space(), &key("kept"), b"1".to_vec(), &brief()).await.unwrap();
    store.set(&space(), &key("kept"), b"2".to_vec(), &ample()).await.unwrap();
    store.set(&space(), &key("goes"), b"1".to_vec(), &ample()).await.unwrap();
    store.set(&space(), &key("goes"), b"2".to_vec(), &brief()).await.unwrap();
    until("it is gone", async || !store.exists(&space(), &key("goes")).await.unwrap()).await;
    assert_eq!(store.get(&space(), &key("kept")).await.unwrap(), Some(b"2".to_vec()));
}

async fn a_number_and_a_swap_expire_too(stores: Stores) {
    let store = &stores.one;
    assert_eq!(store.increment(&space(), &key("n"), 5, &brief()).await.unwrap(), 5);
    assert_eq!(store.swap(&space(), &key("s"), None, b"1".to_vec(), &brief()).await.unwrap(), Swap::Done);
    until("both are gone", async || store.usage(&space()).await.unwrap().keys == 0).await;
    assert_eq!(store.increment(&space(), &key("n"), 1, &ample()).await.unwrap(), 1);
    let swapped = store.swap(&space(), &key("s"), Some(b"1"), b"2".to_vec(), &ample()).await.unwrap();
    assert_eq!(swapped, Swap::Lost(None));
    assert_eq!(store.swap(&space(), &key("s"), None, b"2".to_vec(), &ample()).await.unwrap(), Swap::Done);
}

async fn a_space_nobody_writes_to_is_counted_as_empty(stores: Stores) {
    let (one, quiet) = (&stores.one, Space::new("notes", "quiet", "default").unwrap());
    one.set(&quiet, &key("k"), b"v".to_vec(), &brief()).await.unwrap();
    one.set(&space(), &key("k"), b"v".to_vec(), &ample()).await.unwrap();
    until("it counts no more", async || one.usage(&quiet).await.unwrap() == Usage::default()).await;
    assert_eq!(one.list(&quiet, None, 10).await.unwrap().keys, []);
    one.set(&space(), &key("l"), b"v".to_vec(), &ample()).await.unwrap();
    assert_eq!(one.usage(&quiet).await.unwrap(), Usage::default());
    assert_eq!(one.usage(&space()).await.unwrap(), Usage { keys: 2, bytes: 4 });
}
