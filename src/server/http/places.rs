//! How many connections there may be: in all, and from one address.

use crate::metrics::METRICS;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Connections of one address, unless an option says otherwise.
const MOST_PER_ADDRESS: usize = 256;

/// Connections in all, where the limit of open files allows it.
const MOST: usize = 10_000;

/// Open files that are no connections: the database, its log, standard streams.
const OTHER_FILES: usize = 64;

pub struct Places {
    most: usize,
    per_address: Option<usize>,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One connection's; given back when it is dropped.
pub struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

impl Places {
    /// `per_address` is the limit if one was asked for. Without, this machine's own address is free of it: everybody
    /// behind a proxy comes from there.
    pub fn new(per_address: Option<usize>) -> Arc<Places> {
        let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let files = files.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX));
        let most = files.saturating_sub(OTHER_FILES).max(files / 2).min(MOST);
        Arc::new(Places { most, per_address, taken: Mutex::default() })
    }

    /// Whether nobody at all can have a place.
    pub fn are_full(&self) -> bool {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).all >= self.most
    }

    /// `None` when there are too many.
    pub fn take(self: &Arc<Places>, address: IpAddr) -> Option<Place> {
        let address = address.to_canonical();
        let most_here = match self.per_address {
            Some(most) => most,
            None if address.is_loopback() => usize::MAX,
            None => MOST_PER_ADDRESS,
        };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.by_address.get(&address).is_some_and(|here| *here >= most_here) {
            METRICS.connections_refused.add(1);
            return None;
        }
        taken.all += 1;
        *taken.by_address.entry(address).or_default() += 1;
        METRICS.connections.add(1);
        Some(Place { places: Arc::clone(self), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        if let Some(here) = taken.by_address.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                taken.by_address.remove(&self.address);
            }
        }
        METRICS.connections.take(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_limit_and_gets_its_places_back() {
        let [here, there]: [IpAddr; 2] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().expect("an address"));
        let places = Places::new(Some(2));
        let (first, _second) = (places.take(here), places.take(here));
        assert!(first.is_some() && places.take(here).is_none() && places.take(there).is_some());
        drop(first);
        assert!(places.take(here).is_some());
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().expect("an address");
        let _third = places.take(mapped);
        assert!(places.take(here).is_none(), "the same address in its other form");
        let unlimited = Places::new(None);
        let own: IpAddr = "127.0.0.1".parse().expect("an address");
        assert!((0..MOST_PER_ADDRESS + 1).map(|_| unlimited.take(own)).collect::<Option<Vec<_>>>().is_some());
    }
}
