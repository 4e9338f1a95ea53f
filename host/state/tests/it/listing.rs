//! Pages of keys.

use cofferdam_state::{Cursor, Key, Page, limits};
use tokio::sync::oneshot;

use crate::stores::{Stores, ample, both, key, space};

both!(
    pages_are_sorted_and_end,
    a_page_is_never_longer_than_allowed,
    a_cursor_needs_no_key_that_is_still_there,
    keys_that_stay_are_met_once_while_others_come_and_go,
);

async fn pages_are_sorted_and_end(stores: Stores) {
    assert_eq!(stores.one.list(&space(), None, 10).await.unwrap(), Page::default());
    for at in [4, 2, 0, 1, 3] {
        stores.one.set(&space(), &key(&format!("k{at}")), Vec::new(), &ample()).await.unwrap();
    }
    let (mut cursor, mut pages) = (None, Vec::new());
    loop {
        let page = stores.other.list(&space(), cursor, 2).await.unwrap();
        pages.push(page.keys.iter().map(|key| key.as_str().to_owned()).collect::<Vec<_>>());
        // As it goes through a guest's hands.
        cursor = page.next.map(|cursor| Cursor::try_from(String::from(cursor)).unwrap());
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(pages, [vec!["k0", "k1"], vec!["k2", "k3"], vec!["k4"]]);
    let exactly = stores.one.list(&space(), None, 5).await.unwrap();
    assert_eq!((exactly.keys.len(), exactly.next), (5, None));
}

async fn a_page_is_never_longer_than_allowed(stores: Stores) {
    for name in ["a", "b"] {
        let pairs = (0..limits::BATCH).map(|at| (key(&format!("{name}{at}")), Vec::new())).collect();
        stores.one.set_many(&space(), pairs, &ample()).await.unwrap();
    }
    let page = stores.one.list(&space(), None, usize::MAX).await.unwrap();
    assert_eq!(page.keys.len(), limits::PAGE);
    let page = stores.one.list(&space(), page.next, usize::MAX).await.unwrap();
    assert_eq!((page.keys.len(), page.next), (limits::PAGE, None));
    let least = stores.one.list(&space(), None, 0).await.unwrap();
    assert_eq!((least.keys.len(), least.next.is_some()), (1, true));
}

async fn a_cursor_needs_no_key_that_is_still_there(stores: Stores) {
    for text in ["a", "b", "c"] {
        stores.one.set(&space(), &key(text), Vec::new(), &ample()).await.unwrap();
    }
    let page = stores.one.list(&space(), None, 2).await.unwrap();
    stores.one.delete_many(&space(), &["a", "b"].map(key)).await.unwrap();
    assert_eq!(stores.one.list(&space(), page.next, 2).await.unwrap(), Page { keys: vec![key("c")], next: None });
    let forged = Cursor::try_from("bz".to_owned()).unwrap();
    assert_eq!(stores.one.list(&space(), Some(forged), 2).await.unwrap().keys, [key("c")]);
}

async fn keys_that_stay_are_met_once_while_others_come_and_go(stores: Stores) {
    let stay: Vec<Key> = (0..200).map(|at| key(&format!("k{at:03}"))).collect();
    let pairs = stay.iter().map(|key| (key.clone(), Vec::new())).collect();
    stores.one.set_many(&space(), pairs, &ample()).await.unwrap();
    let (stop, mut stopped) = oneshot::channel::<()>();
    let writer = {
        let store = stores.other.clone();
        tokio::spawn(async move {
            let mut rounds = 0;
            while stopped.try_recv().is_err() {
                let come: Vec<Key> = (0..50).map(|at| key(&format!("k{:03}x", (at * 7 + rounds) % 200))).collect();
                let pairs = come.iter().map(|key| (key.clone(), vec![0; 9])).collect();
                store.set_many(&space(), pairs, &ample()).await.unwrap();
                store.delete_many(&space(), &come).await.unwrap();
                rounds += 1;
            }
            rounds
        })
    };
    for _ in 0..5 {
        let (mut cursor, mut met) = (None, Vec::new());
        loop {
            let page = stores.one.list(&space(), cursor, 7).await.unwrap();
            met.extend(page.keys);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert!(met.is_sorted() && met.windows(2).all(|two| two[0] != two[1]), "{met:?}");
        met.retain(|key| key.as_str().len() == 4);
        assert_eq!(met, stay);
    }
    stop.send(()).unwrap();
    assert!(writer.await.unwrap() > 0);
}
