//! Settings that change while the daemon runs: who may come in, what halts, the tick; and those that wait for a restart.

use std::fs;

use sha2::{Digest, Sha256};

use super::client;
use super::files::{Place, settings, throttle};

fn people(names: &[&str]) -> String {
    let hash = |name: &str| Sha256::digest(name).iter().fold(String::new(), |hash, byte| format!("{hash}{byte:02x}"));
    let person = |name: &&str| format!("{{name: {name}, roles: [admin], token_sha256: {}}}", hash(name));
    format!("people: [{}]\n", names.iter().map(person).collect::<Vec<_>>().join(", "))
}

/// The status of a request with a token; the token is the name.
async fn asks(place: &Place, token: &str) -> u16 {
    let request = client().get(format!("{}/api/v1/releases", place.daemon.control));
    let request = if token.is_empty() { request } else { request.bearer_auth(token) };
    request.send().await.unwrap().status().as_u16()
}

fn become_settings(place: &Place, text: &str) {
    fs::write(place.folder.path().join("tminus.yaml"), text).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_is_taken_out_is_shut_out() {
    let place = Place::with(&[], &people(&["ann", "bob"])).await;
    assert_eq!((asks(&place, "ann").await, asks(&place, "bob").await, asks(&place, "").await), (200, 200, 401));
    become_settings(&place, &settings(&people(&["ann", "cy"])));
    place.until("bob is out", async || asks(&place, "bob").await == 401).await;
    assert_eq!((asks(&place, "ann").await, asks(&place, "cy").await), (200, 200));
    // The last one out does not open the door for everybody on the machine.
    become_settings(&place, &settings(""));
    place.until("ann is out", async || asks(&place, "ann").await == 401).await;
    assert_eq!(asks(&place, "").await, 401);
    become_settings(&place, &settings(&people(&["ann"])));
    place.until("ann is back", async || asks(&place, "ann").await == 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_are_gone_or_bad_let_nobody_in() {
    let place = Place::with(&[("a.yaml", &throttle("t", "30"))], &people(&["ann"])).await;
    let read = async || {
        let request = client().post(format!("{}/-/reload", place.daemon.control)).bearer_auth("ann");
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    for text in ["", "people: [", "apiVersion: tminus/v1\nkind: Settings\nname: x\npeople: [{name: ann}]\n"] {
        become_settings(&place, text);
        let (status, told) = read().await;
        assert_eq!(status, 422, "{text}: {told}");
        assert_eq!((asks(&place, "").await, asks(&place, "ann").await), (401, 200), "{text}");
    }
    become_settings(&place, "");
    assert!(read().await.1.contains("TM0402"));
    fs::remove_file(place.folder.path().join("tminus.yaml")).unwrap();
    assert_eq!((read().await.0, asks(&place, "").await), (422, 401));
    become_settings(&place, &settings(&people(&["ann"])));
    assert_eq!(read().await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_wait_for_a_restart_say_so() {
    let place = Place::new(&[]).await;
    become_settings(&place, &settings("retention: 30d\n").replace("data: data", "data: other"));
    place.until("it is said", async || place.documents().await["at_restart"][0] == "data").await;
    let (_, told) = place.reload().await;
    assert_eq!(told["at_restart"][0], "data", "{told}");
    let (_, said) = place.verb(&["status"]).await;
    assert!(said.contains("take effect when the daemon is started again: data"), "{said}");
    assert!(!place.folder.path().join("other").exists());
    become_settings(&place, &settings(""));
    place.until("it is taken back", async || place.documents().await["at_restart"].as_array().unwrap().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_halt_file_that_halts_goes_on_halting_when_the_settings_name_another() {
    let place = Place::new(&[]).await;
    fs::write(place.folder.path().join("HALT"), "").unwrap();
    let reason = async || place.decide("player").await["reason"].as_str().unwrap().to_owned();
    place.until("halted", async || reason().await == "halt").await;
    become_settings(&place, &settings("").replace("halt_file: HALT", "halt_file: STOP"));
    place.until("read", async || place.events("reload").await.len() == 1).await;
    place.ticks(2).await;
    assert_eq!(reason().await, "halt");
    fs::remove_file(place.folder.path().join("HALT")).unwrap();
    place.until("lifted", async || reason().await == "default").await;
    fs::write(place.folder.path().join("STOP"), "").unwrap();
    place.until("halted by the new one", async || reason().await == "halt").await;
}
