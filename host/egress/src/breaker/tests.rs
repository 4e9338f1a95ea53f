use http::Uri;

use super::*;

const TERMS: Breaker = Breaker { failures: 3, open: Duration::from_secs(10) };

struct Case {
    breakers: Breakers,
    pool: PoolKey,
    origin: Origin,
}

impl Case {
    fn new() -> Self {
        let origin = Origin::of(&Uri::from_static("https://api.example")).unwrap();
        Self { breakers: Breakers::new(), pool: PoolKey::new("plugin", "tenant"), origin }
    }

    fn ask(&self) -> Result<Ticket, Refused> {
        self.breakers.ask(&self.pool, &self.origin, Some(TERMS))
    }

    fn tell(&self, verdicts: &[Verdict]) {
        for verdict in verdicts {
            self.ask().unwrap().tell(*verdict);
        }
    }

    fn is_open(&self) -> bool {
        self.breakers.would_refuse(&self.pool, &self.origin, Some(TERMS), Instant::now())
    }
}

use Verdict::{Fails, Works};

#[tokio::test(start_paused = true)]
async fn opens_after_failures_in_a_row_only() {
    let case = Case::new();
    case.tell(&[Fails, Fails, Works, Fails, Fails]);
    assert!(!case.is_open());
    case.tell(&[Fails]);
    assert!(case.is_open());
    assert_eq!(case.ask().unwrap_err(), Refused { failures: 3, retry_after: TERMS.open });
    tokio::time::advance(Duration::from_secs(4)).await;
    assert_eq!(case.ask().unwrap_err(), Refused { failures: 3, retry_after: Duration::from_secs(6) });
}

#[tokio::test(start_paused = true)]
async fn half_open_lets_one_through() {
    let case = Case::new();
    case.tell(&[Fails, Fails, Fails]);
    tokio::time::advance(TERMS.open).await;
    assert!(!case.is_open());
    let probe = case.ask().unwrap();
    assert!(case.ask().is_err() && case.is_open());
    probe.tell(Works);
    let (one, two) = (case.ask().unwrap(), case.ask().unwrap());
    drop((one, two));
    case.tell(&[Fails, Fails]);
    assert!(!case.is_open(), "the count began anew");
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_fails_opens_again_for_as_long() {
    let case = Case::new();
    case.tell(&[Fails, Fails, Fails]);
    tokio::time::advance(TERMS.open).await;
    case.tell(&[Fails]);
    assert_eq!(case.ask().unwrap_err(), Refused { failures: 4, retry_after: TERMS.open });
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_dropped_leaves_its_place() {
    let case = Case::new();
    case.tell(&[Fails, Fails, Fails]);
    tokio::time::advance(TERMS.open).await;
    drop(case.ask().unwrap());
    let probe = case.ask().unwrap();
    assert!(case.ask().is_err());
    probe.tell(Works);
    assert!(case.ask().is_ok());
}

#[tokio::test(start_paused = true)]
async fn those_let_through_before_change_nothing() {
    let case = Case::new();
    let (early, late) = (case.ask().unwrap(), case.ask().unwrap());
    case.tell(&[Fails, Fails, Fails]);
    early.tell(Works);
    assert!(case.is_open());
    tokio::time::advance(TERMS.open).await;
    let probe = case.ask().unwrap();
    late.tell(Fails);
    probe.tell(Works);
    assert!(case.ask().is_ok());
}

#[tokio::test(start_paused = true)]
async fn each_caller_and_place_has_its_own() {
    let case = Case::new();
    case.tell(&[Fails, Fails, Fails]);
    let other_pool = PoolKey::new("plugin", "other");
    let other_origin = Origin::of(&Uri::from_static("https://api.example:8443")).unwrap();
    assert!(case.ask().is_err());
    assert!(case.breakers.ask(&other_pool, &case.origin, Some(TERMS)).is_ok());
    assert!(case.breakers.ask(&case.pool, &other_origin, Some(TERMS)).is_ok());
    assert!(case.breakers.ask(&case.pool, &case.origin, None).is_ok());
}

#[tokio::test]
async fn the_table_has_a_bound_and_success_leaves_no_entry() {
    let case = Case::new();
    for port in 1..=20_000 {
        let mut origin = case.origin.clone();
        origin.port = port;
        let verdict = if port % 2 == 0 { Works } else { Fails };
        case.breakers.ask(&case.pool, &origin, Some(TERMS)).unwrap().tell(verdict);
    }
    case.breakers.0.run_pending_tasks();
    assert!((1..=limits::BREAKERS).contains(&case.breakers.0.entry_count()));
    let works = Origin { port: 2, ..case.origin.clone() };
    assert!(!case.breakers.0.contains_key(&(case.pool.clone(), works)));
}
