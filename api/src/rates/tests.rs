//! Who is slowed down, who is not, and that no crowd of names makes anything grow.

use super::*;

const ANN: UserId = UserId::from_u128(1);
const BOB: UserId = UserId::from_u128(2);
const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

fn tight() -> Limits {
    Limits {
        tickets_per_minute: 2,
        logins_per_minute: 5,
        ..Limits::default()
    }
}

fn rates(limits: &Limits, on: bool) -> Rates {
    Rates::new(limits, on, RateMetrics::default())
}

fn address(number: u32) -> IpAddr {
    IpAddr::V4((0x0a00_0000 + number).into())
}

fn handle(text: &str) -> Handle {
    Handle::parse(text).expect("a handle")
}

#[test]
fn one_persons_hurry_does_not_slow_another() {
    let rates = rates(&tight(), true);
    let ticket = |user| rates.count(Class::Tickets, user).allowed();
    ticket(ANN).expect("the first");
    ticket(ANN).expect("the second");
    let refused = ticket(ANN).expect_err("the third");
    assert_eq!(refused.code(), "rate/limited");
    let wait = refused.retry_after_ms().expect("a wait");
    assert!((1..=30_000).contains(&wait), "{wait}");
    ticket(BOB).expect("Bob's first");
}

#[test]
fn what_is_left_is_told() {
    let limits = Limits {
        commands_per_second: 1,
        commands_burst: 2,
        ..Limits::default()
    };
    let rates = rates(&limits, true);
    let standing = |user| rates.count(Class::Commands, user).standing.expect("rates are on");
    assert_eq!([0, 1, 2].map(|_| standing(ANN).remaining), [1, 0, 0]);
    assert_eq!(standing(ANN).reset_seconds, 1, "until there is one again");
    assert!(rates.command(ANN).is_err());
    let bobs = standing(BOB);
    assert_eq!((bobs.policy, bobs.burst, bobs.window_seconds), ("commands", 2, 2));
}

#[test]
fn classes_have_quotas_of_their_own() {
    let rates = rates(&tight(), true);
    for _ in 0..10 {
        let _spent = rates.count(Class::Tickets, ANN);
    }
    for class in Class::ALL.iter().filter(|class| **class != Class::Tickets) {
        rates.count(*class, ANN).allowed().expect("the first of its class");
    }
}

#[test]
fn lifted_rates_refuse_nothing_and_tell_nothing() {
    let rates = rates(&tight(), false);
    for _ in 0..10 {
        let counted = rates.count(Class::Tickets, ANN);
        assert_eq!(counted.standing, None);
        counted.allowed().expect("never refused");
        rates.login(&handle("ann"), HOME).expect("never refused");
    }
}

#[test]
fn a_crowd_of_strangers_does_not_lock_out_whoever_is_known() {
    let rates = rates(&tight(), true);
    let ann = handle("ann");
    let at_home = rates.login(&ann, HOME).expect("the first");
    rates.signed_in(at_home);
    let guesses = (0..1_000).filter(|number| rates.login(&ann, address(*number)).is_ok());
    assert_eq!(guesses.count(), 5, "all addresses together guess no faster than one");
    for _ in 0..100 {
        let at_home = rates.login(&ann, HOME).expect("Ann is known from there");
        rates.signed_in(at_home);
    }
    rates.login(&handle("bob"), address(1)).expect("another account");
}

#[test]
fn being_right_costs_nothing() {
    let rates = rates(&tight(), true);
    for number in 0..50 {
        let attempt = rates.login(&handle("ann"), address(number)).expect("never refused");
        rates.signed_in(attempt);
    }
}

#[test]
fn being_known_to_one_account_is_worth_nothing_to_another() {
    let rates = rates(&tight(), true);
    rates.signed_in(rates.login(&handle("mallory"), HOME).expect("the first"));
    let guesses = (0..100).filter(|_| rates.login(&handle("ann"), HOME).is_ok());
    assert_eq!(guesses.count(), 5);
}

#[test]
fn a_million_names_and_addresses_leave_every_class_bounded() {
    const NAMES: u32 = 1_000_000;
    let rates = rates(&Limits::default(), true);
    rates.command(ANN).expect("known before the crowd");
    for number in 0..NAMES {
        let _counted = rates.count(Class::Requests, address(number));
        let _counted = rates.count(Class::StrangeLogins, number);
    }
    for (class, limiter) in Class::ALL.iter().zip(&rates.limiters) {
        assert!(
            limiter.keys() <= limiter::KEYS_MAX as usize,
            "{class:?} grew to {}",
            limiter.keys()
        );
        assert_eq!(
            limiter.keys() as i64,
            rates.metrics.keys(class.name()).get(),
            "{class:?}"
        );
    }
    assert!(rates.metrics.families() <= 2 * Class::ALL.len());
}

#[test]
fn where_there_is_no_room_those_who_are_known_keep_their_own_bucket() {
    let limits = Limits {
        registrations_per_hour: 3,
        ..Limits::default()
    };
    let rates = rates(&limits, true);
    let register = |from: IpAddr| rates.count(Class::Registrations, from).allowed().is_ok();
    assert!(register(HOME));
    let crowd = (0..1_000_000).filter(|number| register(address(*number))).count();
    let room = limiter::KEYS_MAX as usize;
    let shared = limiter::SHARED_BUCKETS * 3;
    assert!(crowd <= room + shared, "{crowd} passed");
    assert!(crowd > room, "nobody is refused for being new alone");
    assert!(
        register(HOME) && register(HOME),
        "the crowd took nothing of what was left at home"
    );
    assert!(!register(HOME));
}
