//! Many at a first start.

use super::home::{Home, child, create, is_child, pull, queue, titles, waiting};
use crate::store::{Notice, Store};
use std::collections::BTreeSet;

const AT_ONCE: usize = 20;
const EACH: usize = 5;

/// Acts as one of many processes: opens the store and queues some tasks, one at a time.
#[test]
fn one_of_many() {
    let Some(root) = is_child() else { return };
    let mut store = Store::open(&super::home::files(&root)).expect("a usable store");
    assert_eq!(store.notices(), []);
    for number in 0..EACH {
        queue(&mut store, &[create(&format!("{} of {}", number, std::process::id()))]);
    }
}

#[test]
fn twenty_processes_at_a_first_start() {
    let home = Home::new();
    std::thread::scope(|scope| {
        let started: Vec<_> = (0..AT_ONCE)
            .map(|_| scope.spawn(|| child("store::tests::starts::one_of_many", home.folder.root(), &[])))
            .collect();
        for one in started {
            assert!(one.join().expect("it ran").success());
        }
    });
    let mut store = home.open();
    assert_eq!(store.notices(), [] as [Notice; 0]);
    let waits: BTreeSet<_> = waiting(&store).into_iter().collect();
    assert_eq!(waits.len(), AT_ONCE * EACH);
    assert!(waits.iter().all(|(_, state)| *state == "queued"));
    let names: BTreeSet<String> = store.waiting().expect("readable").into_iter().map(|op| op.name).collect();
    assert_eq!(names.len(), AT_ONCE * EACH, "each has a name of its own");
    assert_eq!(home.queue_text().lines().count(), AT_ONCE * EACH);
}

#[test]
fn threads_write_while_a_sync_ends() {
    let home = Home::synced(&[1]);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let home = &home;
            scope.spawn(move || {
                let mut store = home.open();
                for number in 0..10 {
                    queue(&mut store, &[create(&format!("{thread} {number}"))]);
                }
            });
        }
        scope.spawn(|| {
            let mut store = home.open();
            for id in 2..20 {
                pull(&mut store, &[super::home::server_row(id, "theirs")]);
            }
        });
    });
    let mut store = home.open();
    assert_eq!((store.notices(), waiting(&store).len()), (vec![], 40));
    let shown = titles(&store);
    let names: BTreeSet<&str> = shown.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!((shown.len(), names.len()), (59, 59), "no name twice: {shown:?}");
    assert_eq!(home.queue_text().lines().count(), 40);
}
