//! What is put in comes out.

use cofferdam_state::{KeyValueError, Quota, Usage, Which, limits};

use crate::stores::{Stores, ample, both, key, space};

both!(
    what_is_set_is_got_until_it_is_deleted,
    any_bytes_are_a_value,
    keys_of_any_script_and_the_longest,
    the_largest_value,
    many_at_once,
    an_answer_is_bounded,
    batches_are_bounded,
    a_check_finds_the_store_in_order,
);

async fn what_is_set_is_got_until_it_is_deleted(stores: Stores) {
    let Stores { one, other, .. } = &stores;
    let (space, k) = (space(), key("k"));
    assert_eq!(one.get(&space, &k).await.unwrap(), None);
    assert!(!one.exists(&space, &k).await.unwrap());
    one.set(&space, &k, b"1".to_vec(), &ample()).await.unwrap();
    one.set(&space, &k, b"22".to_vec(), &ample()).await.unwrap();
    assert_eq!(other.get(&space, &k).await.unwrap(), Some(b"22".to_vec()));
    assert!(other.exists(&space, &k).await.unwrap());
    other.delete(&space, &k).await.unwrap();
    other.delete(&space, &k).await.unwrap();
    assert_eq!(one.get(&space, &k).await.unwrap(), None);
}

async fn any_bytes_are_a_value(stores: Stores) {
    let Stores { one, .. } = &stores;
    let all: Vec<u8> = (0..=255).collect();
    for value in [Vec::new(), vec![0], b"\r\n$1\r\n".to_vec(), vec![0xff; 3], all] {
        one.set(&space(), &key("k"), value.clone(), &ample()).await.unwrap();
        assert_eq!(one.get(&space(), &key("k")).await.unwrap(), Some(value));
    }
}

async fn keys_of_any_script_and_the_longest(stores: Stores) {
    let Stores { one, .. } = &stores;
    let long = "\u{1f5dd}".repeat(128);
    let mut texts = ["ключ", "鍵", "\u{1f5dd}", "a b", "\u{202e}", "'\"\\%_*?[]{}", "Z", "a", "é", "e\u{301}", &long];
    for text in texts {
        one.set(&space(), &key(text), text.as_bytes().to_vec(), &ample()).await.unwrap();
    }
    texts.sort_unstable();
    let keys = one.list(&space(), None, 100).await.unwrap().keys;
    assert_eq!(keys, texts.map(key));
    for text in texts {
        assert_eq!(one.get(&space(), &key(text)).await.unwrap(), Some(text.as_bytes().to_vec()));
    }
    let bytes = 2 * texts.iter().map(|text| text.len() as u64).sum::<u64>();
    assert_eq!(one.usage(&space()).await.unwrap(), Usage { keys: 11, bytes });
}

async fn the_largest_value(stores: Stores) {
    let Stores { one, other, .. } = &stores;
    let largest: Vec<u8> = (0..limits::VALUE).map(|at| (at % 251) as u8).collect();
    one.set(&space(), &key("k"), largest.clone(), &ample()).await.unwrap();
    assert!(other.get(&space(), &key("k")).await.unwrap() == Some(largest.clone()));
    let unlimited = Quota { value: u64::MAX, ..ample() };
    let larger = [largest, vec![0]].concat();
    let error = one.set(&space(), &key("k"), larger, &unlimited).await.unwrap_err();
    assert!(matches!(error, KeyValueError::OverQuota { which: Which::Value, most: limits::VALUE }), "{error:?}");
}

async fn many_at_once(stores: Stores) {
    let Stores { one, other, .. } = &stores;
    let pairs = (0..limits::BATCH).map(|at| (key(&format!("k{at}")), at.to_string().into_bytes()));
    one.set_many(&space(), pairs.collect(), &ample()).await.unwrap();
    let twice = vec![(key("k1"), b"first".to_vec()), (key("k1"), b"last".to_vec())];
    one.set_many(&space(), twice, &ample()).await.unwrap();
    let asked = ["k999", "none", "k1", "k1"].map(key);
    let found = other.get_many(&space(), &asked).await.unwrap();
    assert_eq!(found, [Some(b"999".to_vec()), None, Some(b"last".to_vec()), Some(b"last".to_vec())]);
    other.delete_many(&space(), &["k0", "k0", "none"].map(key)).await.unwrap();
    assert_eq!(one.usage(&space()).await.unwrap().keys, 999);
    for nothing in [one.set_many(&space(), Vec::new(), &ample()).await, one.delete_many(&space(), &[]).await] {
        nothing.unwrap();
    }
    assert_eq!(one.get_many(&space(), &[]).await.unwrap(), Vec::<Option<Vec<u8>>>::new());
}

async fn an_answer_is_bounded(stores: Stores) {
    let Stores { one, .. } = &stores;
    one.set(&space(), &key("k"), vec![1; 8 << 20], &ample()).await.unwrap();
    let four = vec![key("k"); 4];
    assert!(one.get_many(&space(), &four).await.unwrap().iter().all(Option::is_some));
    let five = vec![key("k"); 5];
    let error = one.get_many(&space(), &five).await.unwrap_err();
    assert!(matches!(error, KeyValueError::TooLarge { .. }), "{error:?}");
    let pairs = (0..5).map(|at| (key(&format!("k{at}")), vec![0; 8 << 20])).collect();
    let error = one.set_many(&space(), pairs, &ample()).await.unwrap_err();
    assert!(matches!(error, KeyValueError::TooLarge { .. }), "{error:?}");
}

async fn batches_are_bounded(stores: Stores) {
    let Stores { one, .. } = &stores;
    let keys: Vec<_> = (0..=limits::BATCH).map(|at| key(&at.to_string())).collect();
    let pairs = keys.iter().map(|key| (key.clone(), Vec::new())).collect();
    for error in [
        one.get_many(&space(), &keys).await.unwrap_err(),
        one.set_many(&space(), pairs, &ample()).await.unwrap_err(),
        one.delete_many(&space(), &keys).await.unwrap_err(),
    ] {
        assert!(matches!(error, KeyValueError::TooMany { found: 1001 }), "{error:?}");
    }
}

async fn a_check_finds_the_store_in_order(stores: Stores) {
    let Stores { one, other, .. } = &stores;
    one.check().await.unwrap();
    other.check().await.unwrap();
}
