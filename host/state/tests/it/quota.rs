//! Quotas are exact.

use cofferdam_state::{KeyValueError, Quota, Swap, Usage, Which};

use crate::stores::{Stores, ample, both, key, space};

both!(
    bytes_to_the_last_one,
    keys_to_the_last_one,
    one_value,
    nothing_fits_into_no_quota,
    overwriting_counts_the_difference,
    a_batch_over_quota_changes_nothing,
    a_batch_is_counted_as_a_whole,
    numbers_count,
    swaps_count,
    a_smaller_quota_keeps_what_is_there,
    usage_is_the_sum_of_what_is_there,
);

fn small() -> Quota {
    Quota { keys: 3, bytes: 30, value: 20, ttl: None }
}

#[track_caller]
fn assert_over<T: std::fmt::Debug>(result: Result<T, KeyValueError>, part: Which) {
    let error = result.unwrap_err();
    assert!(matches!(error, KeyValueError::OverQuota { which, .. } if which == part), "{error:?}");
}

async fn bytes_to_the_last_one(stores: Stores) {
    let store = &stores.one;
    store.set(&space(), &key("aa"), vec![0; 18], &small()).await.unwrap();
    assert_over(store.set(&space(), &key("bb"), vec![0; 9], &small()).await, Which::Bytes);
    assert_eq!(store.get(&space(), &key("bb")).await.unwrap(), None);
    store.set(&space(), &key("bb"), vec![0; 8], &small()).await.unwrap();
    assert_eq!(store.usage(&space()).await.unwrap(), Usage { keys: 2, bytes: 30 });
    assert_over(store.set(&space(), &key("c"), Vec::new(), &small()).await, Which::Bytes);
    store.delete(&space(), &key("aa")).await.unwrap();
    assert_eq!(store.usage(&space()).await.unwrap(), Usage { keys: 1, bytes: 10 });
    stores.other.set(&space(), &key("é"), vec![0; 18], &small()).await.unwrap();
    assert_eq!(store.usage(&space()).await.unwrap(), Usage { keys: 2, bytes: 30 });
}

async fn keys_to_the_last_one(stores: Stores) {
    let store = &stores.one;
    for text in ["a", "b", "c"] {
        store.set(&space(), &key(text), Vec::new(), &small()).await.unwrap();
    }
    assert_over(store.set(&space(), &key("d"), Vec::new(), &small()).await, Which::Keys);
    store.set(&space(), &key("c"), vec![1], &small()).await.unwrap();
    store.delete(&space(), &key("none")).await.unwrap();
    assert_over(store.set(&space(), &key("d"), Vec::new(), &small()).await, Which::Keys);
    store.delete(&space(), &key("a")).await.unwrap();
    store.set(&space(), &key("d"), Vec::new(), &small()).await.unwrap();
}

async fn one_value(stores: Stores) {
    stores.one.set(&space(), &key("k"), vec![0; 20], &small()).await.unwrap();
    assert_over(stores.one.set(&space(), &key("k"), vec![0; 21], &small()).await, Which::Value);
    assert_over(stores.one.swap(&space(), &key("k"), None, vec![0; 21], &small()).await, Which::Value);
    assert_eq!(stores.one.get(&space(), &key("k")).await.unwrap(), Some(vec![0; 20]));
}

async fn nothing_fits_into_no_quota(stores: Stores) {
    let none = Quota::default();
    assert_over(stores.one.set(&space(), &key("k"), Vec::new(), &none).await, Which::Keys);
    assert_over(stores.one.increment(&space(), &key("k"), 1, &none).await, Which::Value);
    assert_over(stores.one.swap(&space(), &key("k"), None, Vec::new(), &none).await, Which::Keys);
    assert_eq!(stores.one.usage(&space()).await.unwrap(), Usage::default());
}

async fn overwriting_counts_the_difference(stores: Stores) {
    let store = &stores.one;
    for (size, bytes) in [(20, 21), (3, 4), (0, 1), (20, 21)] {
        store.set(&space(), &key("k"), vec![0; size], &small()).await.unwrap();
        assert_eq!(store.usage(&space()).await.unwrap(), Usage { keys: 1, bytes });
    }
    store.set(&space(), &key("l"), vec![0; 8], &small()).await.unwrap();
    assert_over(store.set(&space(), &key("l"), vec![0; 9], &small()).await, Which::Bytes);
    store.set(&space(), &key("l"), vec![1; 8], &small()).await.unwrap();
}

async fn a_batch_over_quota_changes_nothing(stores: Stores) {
    let store = &stores.one;
    store.set(&space(), &key("a"), b"old".to_vec(), &small()).await.unwrap();
    let before = store.usage(&space()).await.unwrap();
    let too_many = ["a", "b", "c", "d"].map(|text| (key(text), b"new".to_vec())).to_vec();
    assert_over(store.set_many(&space(), too_many, &small()).await, Which::Keys);
    let too_long = vec![(key("a"), vec![1; 15]), (key("b"), vec![1; 15])];
    assert_over(store.set_many(&space(), too_long, &small()).await, Which::Bytes);
    let one_too_long = vec![(key("a"), b"new".to_vec()), (key("b"), vec![1; 21])];
    assert_over(store.set_many(&space(), one_too_long, &small()).await, Which::Value);
    assert_eq!(store.get(&space(), &key("a")).await.unwrap(), Some(b"old".to_vec()));
    assert_eq!(store.list(&space(), None, 10).await.unwrap().keys, [key("a")]);
    assert_eq!(store.usage(&space()).await.unwrap(), before);
}

/// What shrinks makes room for what grows, in whatever order they are named; a key named twice counts once.
async fn a_batch_is_counted_as_a_whole(stores: Stores) {
    let store = &stores.one;
    store.set_many(&space(), vec![(key("a"), vec![0; 20]), (key("b"), vec![0; 8])], &small()).await.unwrap();
    store.set_many(&space(), vec![(key("b"), vec![0; 20]), (key("a"), vec![0; 8])], &small()).await.unwrap();
    assert_eq!(store.usage(&space()).await.unwrap(), Usage { keys: 2, bytes: 30 });
    let twice = vec![(key("b"), vec![0; 20]), (key("b"), vec![0; 1]), (key("c"), vec![0; 10]), (key("c"), vec![0; 18])];
    store.set_many(&space(), twice, &small()).await.unwrap();
    assert_eq!(store.usage(&space()).await.unwrap(), Usage { keys: 3, bytes: 30 });
}

async fn numbers_count(stores: Stores) {
    let store = &stores.one;
    let quota = Quota { keys: 1, bytes: 3, value: 2, ttl: None };
    assert_eq!(store.increment(&space(), &key("n"), 99, &quota).await.unwrap(), 99);
    assert_eq!(store.usage(&space()).await.unwrap(), Usage { keys: 1, bytes: 3 });
    assert_over(store.increment(&space(), &key("n"), 1, &quota).await, Which::Value);
    assert_over(store.increment(&space(), &key("n"), 1, &Quota { value: 3, ..quota.clone() }).await, Which::Bytes);
    assert_over(store.increment(&space(), &key("m"), 1, &quota).await, Which::Keys);
    assert_eq!(store.get(&space(), &key("n")).await.unwrap(), Some(b"99".to_vec()));
    assert_eq!(store.increment(&space(), &key("n"), -90, &quota).await.unwrap(), 9);
    assert_eq!(store.usage(&space()).await.unwrap(), Usage { keys: 1, bytes: 2 });
}

async fn swaps_count(stores: Stores) {
    let store = &stores.one;
    let quota = Quota { keys: 1, bytes: 5, value: 5, ttl: None };
    assert_eq!(store.swap(&space(), &key("k"), None, b"1234".to_vec(), &quota).await.unwrap(), Swap::Done);
    assert_over(store.swap(&space(), &key("k"), Some(b"1234"), b"12345".to_vec(), &quota).await, Which::Bytes);
    assert_over(store.swap(&space(), &key("l"), None, Vec::new(), &quota).await, Which::Keys);
    assert_eq!(store.swap(&space(), &key("k"), Some(b"1234"), b"1".to_vec(), &quota).await.unwrap(), Swap::Done);
    assert_eq!(store.usage(&space()).await.unwrap(), Usage { keys: 1, bytes: 2 });
}

async fn a_smaller_quota_keeps_what_is_there(stores: Stores) {
    let store = &stores.one;
    for text in ["a", "b", "c", "d", "e"] {
        store.set(&space(), &key(text), vec![0; 10], &ample()).await.unwrap();
    }
    store.set(&space(), &key("a"), vec![1; 10], &small()).await.unwrap();
    store.set(&space(), &key("b"), vec![1; 2], &small()).await.unwrap();
    assert_over(store.set(&space(), &key("a"), vec![1; 11], &small()).await, Which::Bytes);
    assert_over(store.set(&space(), &key("f"), Vec::new(), &small()).await, Which::Keys);
    assert_eq!(store.usage(&space()).await.unwrap(), Usage { keys: 5, bytes: 47 });
}

/// After many writes of all kinds, what was counted along the way is what there is.
async fn usage_is_the_sum_of_what_is_there(stores: Stores) {
    let (store, quota) = (&stores.one, Quota { keys: 12, bytes: 300, value: 60, ttl: None });
    // A fixed sequence that wanders (constants of a common linear congruential generator).
    let mut state: u32 = 7;
    let mut next = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % below
    };
    let mut refused = 0;
    for _ in 0..400 {
        let (k, size) = (key(&format!("k{}", next(20))), next(64) as usize);
        let result = match next(5) {
            0 | 1 => store.set(&space(), &k, vec![7; size], &quota).await,
            2 => store.delete(&space(), &k).await,
            3 => store.increment(&space(), &k, 1_000_003, &quota).await.map(drop),
            _ => {
                let current = store.get(&space(), &k).await.unwrap();
                store.swap(&space(), &k, current.as_deref(), vec![8; size], &quota).await.map(drop)
            }
        };
        match result {
            Ok(()) => {}
            Err(KeyValueError::OverQuota { .. } | KeyValueError::NotANumber) => refused += 1,
            Err(error) => panic!("{error:?}"),
        }
    }
    assert!(refused > 20, "{refused}");
    let keys = store.list(&space(), None, 100).await.unwrap().keys;
    let values = store.get_many(&space(), &keys).await.unwrap();
    let bytes = keys.iter().zip(&values).map(|(key, value)| key.as_str().len() + value.as_ref().unwrap().len());
    let (keys, bytes) = (keys.len() as u64, bytes.sum::<usize>() as u64);
    assert_eq!(store.usage(&space()).await.unwrap(), Usage { keys, bytes });
    assert!(keys <= quota.keys && bytes <= quota.bytes);
}
