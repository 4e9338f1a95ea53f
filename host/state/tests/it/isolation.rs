//! Spaces know nothing of each other.

use cofferdam_state::{Space, Usage};

use crate::stores::{Stores, ample, both, key, space};

both!(spellings_do_not_reach_other_spaces, emptying_one_space_leaves_the_others);

async fn spellings_do_not_reach_other_spaces(stores: Stores) {
    let names = [
        ("a", "b", "c"),
        ("a", "c", "b"),
        ("b", "a", "c"),
        ("A", "b", "c"),
        ("ab", "c", "d"),
        ("a", "bc", "d"),
        ("a/b", "c", "d"),
        ("a", "b/c", "d"),
        ("a", "b", "c/d"),
        ("a", "b%2Fc", "d"),
        ("a", "b\0c", "d"),
        ("a", "b\0", "c"),
        ("a", "b", "\0c"),
        ("a", "b:c", "d"),
        ("a", "{b}", "c"),
        ("a", "b}:v", "c"),
        ("a", "b'; DROP TABLE entry; --", "c"),
        ("a", "b*", "c"),
        ("a", "%", "c"),
        ("a", "_", "c"),
        ("a", " b", "c"),
        ("a", "b ", "c"),
        // One letter, written in two ways.
        ("a", "\u{e9}", "c"),
        ("a", "e\u{301}", "c"),
        ("a", "\n", "c"),
    ];
    let spaces = names.map(|(plugin, tenant, bucket)| Space::new(plugin, tenant, bucket).unwrap());
    for (at, space) in spaces.iter().enumerate() {
        assert_eq!(stores.one.get(space, &key("k")).await.unwrap(), None, "{space:?}");
        stores.one.set(space, &key("k"), at.to_string().into_bytes(), &ample()).await.unwrap();
    }
    for (at, space) in spaces.iter().enumerate() {
        let value = at.to_string().into_bytes();
        let bytes = 1 + value.len() as u64;
        assert_eq!(stores.other.get(space, &key("k")).await.unwrap(), Some(value), "{space:?}");
        assert_eq!(stores.other.list(space, None, 10).await.unwrap().keys, [key("k")]);
        assert_eq!(stores.other.usage(space).await.unwrap(), Usage { keys: 1, bytes });
    }
}

async fn emptying_one_space_leaves_the_others(stores: Stores) {
    let other = Space::new("notes", "local", "default2").unwrap();
    for space in [&space(), &other] {
        stores.one.set(space, &key("k"), b"v".to_vec(), &ample()).await.unwrap();
    }
    stores.one.delete(&space(), &key("k")).await.unwrap();
    assert_eq!(stores.one.usage(&space()).await.unwrap(), Usage::default());
    assert!(stores.one.exists(&other, &key("k")).await.unwrap());
}
