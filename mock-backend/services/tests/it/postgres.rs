//! Everything else once more, with the stores of the services on PostgreSQL.

use std::process::Command;

use kinora_stage::ON_POSTGRES;

#[test]
fn every_behaviour_is_the_same_on_postgres() {
    if kinora_test_postgres::database("postgres::every_behaviour_is_the_same_on_postgres").is_err() {
        return;
    }
    let mut tests = Command::new(std::env::current_exe().unwrap());
    // Files are what the tests of `apart`, `migrate` and `split` are about.
    tests
        .args(["--skip", "postgres::", "--skip", "apart::", "--skip", "migrate::", "--skip", "split::"])
        .env(ON_POSTGRES, "1");
    let output = tests.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let passed = said.lines().find_map(|line| line.strip_prefix("test result: ok. ")?.split(' ').next()?.parse().ok());
    assert!(passed.is_some_and(|passed: u32| passed >= 39), "too few tests ran: {said}");
}
