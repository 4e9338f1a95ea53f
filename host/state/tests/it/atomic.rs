//! Numbers and swaps under contention.

use cofferdam_state::{KeyValueError, Swap, Usage};
use futures::future::join_all;

use crate::{
    other_process,
    stores::{Stores, ample, both, key, space},
};

both!(
    numbers_have_64_bits,
    what_is_no_number_is_not_added_to,
    a_swap_takes_place_when_nobody_was_faster,
    many_tasks_add_up,
    many_tasks_swap_in_turn,
    of_many_that_take_the_last_place_one_gets_it,
    other_processes_add_up,
);

async fn numbers_have_64_bits(stores: Stores) {
    let (store, n) = (&stores.one, key("n"));
    assert_eq!(store.increment(&space(), &n, 0, &ample()).await.unwrap(), 0);
    assert_eq!(store.get(&space(), &n).await.unwrap(), Some(b"0".to_vec()));
    // More than a float holds exactly.
    assert_eq!(store.increment(&space(), &n, 9_007_199_254_740_993, &ample()).await.unwrap(), 9_007_199_254_740_993);
    assert_eq!(store.increment(&space(), &n, 2, &ample()).await.unwrap(), 9_007_199_254_740_995);
    let rest = i64::MAX - 9_007_199_254_740_995;
    assert_eq!(store.increment(&space(), &n, rest, &ample()).await.unwrap(), i64::MAX);
    assert_eq!(store.get(&space(), &n).await.unwrap(), Some(b"9223372036854775807".to_vec()));
    let error = store.increment(&space(), &n, 1, &ample()).await.unwrap_err();
    assert!(matches!(error, KeyValueError::Overflow), "{error:?}");
    assert_eq!(store.increment(&space(), &n, 0, &ample()).await.unwrap(), i64::MAX);
    assert_eq!(store.increment(&space(), &key("m"), i64::MIN, &ample()).await.unwrap(), i64::MIN);
    let error = store.increment(&space(), &key("m"), -1, &ample()).await.unwrap_err();
    assert!(matches!(error, KeyValueError::Overflow), "{error:?}");
    store.set(&space(), &key("s"), b"-41".to_vec(), &ample()).await.unwrap();
    assert_eq!(store.increment(&space(), &key("s"), 42, &ample()).await.unwrap(), 1);
}

async fn what_is_no_number_is_not_added_to(stores: Stores) {
    let store = &stores.one;
    let long = "9".repeat(21);
    let huge = "9".repeat(1 << 20);
    for value in ["", "x", "+1", "01", "-0", " 1", "1 ", "1.0", "9223372036854775808", "\0", "\u{664}", &long, &huge] {
        let value = value.as_bytes().to_vec();
        store.set(&space(), &key("n"), value.clone(), &ample()).await.unwrap();
        let usage = store.usage(&space()).await.unwrap();
        let error = store.increment(&space(), &key("n"), 1, &ample()).await.unwrap_err();
        assert!(matches!(error, KeyValueError::NotANumber), "{:?}: {error:?}", &value[..value.len().min(30)]);
        assert!(store.get(&space(), &key("n")).await.unwrap() == Some(value));
        assert_eq!(store.usage(&space()).await.unwrap(), usage);
    }
}

async fn a_swap_takes_place_when_nobody_was_faster(stores: Stores) {
    let (one, other, k) = (&stores.one, &stores.other, key("k"));
    let swap = async |expected: Option<&[u8]>, new: &[u8]| {
        one.swap(&space(), &k, expected, new.to_vec(), &ample()).await.unwrap()
    };
    assert_eq!(swap(Some(b""), b"x").await, Swap::Lost(None));
    assert_eq!(swap(None, b"").await, Swap::Done);
    assert_eq!(swap(None, b"x").await, Swap::Lost(Some(Vec::new())));
    assert_eq!(swap(Some(b""), b"a\0b").await, Swap::Done);
    assert_eq!(swap(Some(b"a"), b"x").await, Swap::Lost(Some(b"a\0b".to_vec())));
    other.set(&space(), &k, b"theirs".to_vec(), &ample()).await.unwrap();
    assert_eq!(swap(Some(b"a\0b"), b"x").await, Swap::Lost(Some(b"theirs".to_vec())));
    assert_eq!(other.get(&space(), &k).await.unwrap(), Some(b"theirs".to_vec()));
}

async fn many_tasks_add_up(stores: Stores) {
    let tasks = (0..16).map(|task| {
        let store = if task % 2 == 0 { stores.one.clone() } else { stores.other.clone() };
        tokio::spawn(async move {
            for _ in 0..25 {
                store.increment(&space(), &key("n"), 1, &ample()).await.unwrap();
            }
        })
    });
    join_all(tasks).await.into_iter().for_each(Result::unwrap);
    assert_eq!(stores.one.get(&space(), &key("n")).await.unwrap(), Some(b"400".to_vec()));
    assert_eq!(stores.one.usage(&space()).await.unwrap(), Usage { keys: 1, bytes: 4 });
}

async fn many_tasks_swap_in_turn(stores: Stores) {
    let tasks = (0..8).map(|task| {
        let store = if task % 2 == 0 { stores.one.clone() } else { stores.other.clone() };
        tokio::spawn(async move {
            for _ in 0..5 {
                let mut current = store.get(&space(), &key("k")).await.unwrap();
                loop {
                    let longer = [current.as_deref().unwrap_or_default(), b"x"].concat();
                    match store.swap(&space(), &key("k"), current.as_deref(), longer, &ample()).await.unwrap() {
                        Swap::Done => break,
                        Swap::Lost(now) => current = now,
                    }
                }
            }
        })
    });
    join_all(tasks).await.into_iter().for_each(Result::unwrap);
    assert_eq!(stores.one.get(&space(), &key("k")).await.unwrap(), Some(vec![b'x'; 40]));
}

async fn of_many_that_take_the_last_place_one_gets_it(stores: Stores) {
    let quota = cofferdam_state::Quota { keys: 5, ..ample() };
    let tasks = (0..40).map(|task| {
        let store = if task % 2 == 0 { stores.one.clone() } else { stores.other.clone() };
        let quota = quota.clone();
        tokio::spawn(async move { store.set(&space(), &key(&format!("k{task}")), Vec::new(), &quota).await.is_ok() })
    });
    let done = join_all(tasks).await.into_iter().filter(|done| *done.as_ref().unwrap()).count();
    assert_eq!(done, 5);
    assert_eq!(stores.one.usage(&space()).await.unwrap().keys, 5);
}

async fn other_processes_add_up(stores: Stores) {
    let mut others: Vec<_> = (0..2).map(|_| other_process::start("adds", &stores.settings)).collect();
    for _ in 0..other_process::TIMES {
        stores.one.increment(&space(), &key("n"), 1, &ample()).await.unwrap();
    }
    for other in &mut others {
        assert!(other.0.wait().unwrap().success());
    }
    let sum = stores.one.increment(&space(), &key("n"), 0, &ample()).await.unwrap();
    assert_eq!(sum, 3 * other_process::TIMES);
}
