//! Documents that vanish under a running daemon: held, not forgotten, over a restart too, until a person says so.

use std::fs;

use super::files::{NOTIFIER, Place, release, throttle};

fn live() -> [(&'static str, String); 3] {
    let gate = "apiVersion: tminus/v1\nkind: GatePolicy\nname: errors\nslo: {percent: 1}\n\
                metrics: [{name: http, candidate: {errors: bad, requests: all}}]\n---\n\
                apiVersion: tminus/v1\nkind: MetricsSource\nname: edges\npush: {}\n\
                queries: {bad: {series: bad}, all: {series: all}}\n";
    [("r.yaml", release("r", "reader", "gate: errors\n")), ("g.yaml", gate.into()), ("n.yaml", NOTIFIER.into())]
}

async fn place() -> Place {
    let documents = live();
    let documents: Vec<(&str, &str)> = documents.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let place = Place::new(&documents).await;
    place.until_phase("r", "rolling").await;
    place
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_release_whose_document_vanishes_is_held_over_a_restart_until_somebody_resumes_it() {
    let mut place = place().await;
    let text = fs::read_to_string(place.path("r.yaml")).unwrap();
    place.remove("r.yaml");
    place.until_phase("r", "held").await;
    let status = place.get("/api/v1/releases/r").await;
    assert!(status["waiting"][0].as_str().unwrap().contains("Release/r vanished from"), "{status}");
    assert_eq!((status["percent"].as_f64(), place.percent_ppm("reader").await), (Some(10.0), 100_000));
    assert_eq!(status["documents"]["vanished"][0], "Release/r");
    let (_, said) = place.verb(&["status", "r"]).await;
    assert!(said.contains("Release/r vanished"), "{said}");
    assert!(place.text("/-/ready").await.contains("Release/r vanished"));
    assert_eq!(place.metric("tminus_documents_vanished").await, 1.0);
    place.until("people hear", async || place.told().iter().any(|what| what.starts_with("tminus holds r"))).await;
    let (code, said) = place.verb(&["resume", "r", "--reason", "go on"]).await;
    assert!(code == Some(1) && said.contains("put it back first"), "{said}");

    place.restart().await;
    assert_eq!((place.phase("r").await.as_str(), place.percent_ppm("reader").await), ("held", 100_000));
    place.ticks(2).await;
    assert_eq!(place.told().iter().filter(|what| what.contains("tminus holds r")).count(), 1, "said once");

    place.write("r.yaml", &text);
    place.until("it is back", async || place.documents().await["vanished"].as_array().unwrap().is_empty()).await;
    place.ticks(1).await;
    assert_eq!(place.phase("r").await, "held", "only a person lets it go on");
    let (code, said) = place.verb(&["resume", "r", "--reason", "it is back"]).await;
    assert_eq!((code, place.phase("r").await.as_str()), (Some(0), "rolling"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_live_release_leans_on_holds_it_too_and_the_rest_of_the_change_is_in_force() {
    let place = place().await;
    place.write("t.yaml", &throttle("t", "30"));
    place.remove("g.yaml");
    place.until_phase("r", "held").await;
    place.until("the rest", async || place.percent_ppm("player").await == 300_000).await;
    let documents = place.documents().await;
    assert_eq!(documents["vanished"].to_string(), r#"["GatePolicy/errors","MetricsSource/edges"]"#);
    assert_eq!(documents["valid"], true);
    let (code, told) = place.reload().await;
    assert_eq!((code, &told["vanished"][0]), (200, &"GatePolicy/errors".into()), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_at_once_holds_everything_and_somebody_still_hears() {
    let place = place().await;
    for file in ["r.yaml", "g.yaml", "n.yaml"] {
        place.remove(file);
    }
    place.until_phase("r", "held").await;
    place.until("people hear", async || place.told().iter().any(|what| what.starts_with("tminus holds r"))).await;
    assert_eq!(place.percent_ppm("reader").await, 100_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttle_policy_that_vanishes_goes_on_throttling_until_it_is_removed() {
    let place = Place::new(&[("t.yaml", &throttle("t", "0")), ("r.yaml", &release("r", "player", ""))]).await;
    place.until_phase("r", "rolling").await;
    place.remove("t.yaml");
    place.until_phase("r", "held").await;
    assert_eq!(place.percent_ppm("player").await, 0, "no rule is dropped by a file that is gone");
    let (code, said) = place.verb(&["apply", "--remove", "ThrottlePolicy/other", "--reason", "x"]).await;
    assert_eq!(code, Some(1), "{said}");
    let (code, said) = place.verb(&["apply", "--remove", "Release/r", "--reason", "x"]).await;
    assert!(code == Some(1) && said.contains("take it out there"), "{said}");
    let (code, said) = place.verb(&["apply", "--remove", "ThrottlePolicy/t", "--reason", "the rule is over"]).await;
    assert_eq!((code, place.percent_ppm("player").await), (Some(0), 100_000), "{said}");
    assert_eq!(place.documents().await["vanished"].as_array().unwrap().len(), 0);
    let told = place.events("announcement").await;
    assert!(told.contains(&"local removed ThrottlePolicy/t: the rule is over.".to_owned()), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_complete_release_stays_on_offer_until_it_is_removed_on_purpose() {
    let out = release("out", "reader", "released: true\n");
    let mut place = Place::new(&[("out.yaml", &out)]).await;
    place.until_phase("out", "complete").await;
    place.remove("out.yaml");
    place.until("it is missed", async || place.documents().await["vanished"][0] == "Release/out").await;
    place.restart().await;
    let answer = place.decide("reader").await;
    assert_eq!((answer["serve"].as_bool(), answer["version"].as_str()), (Some(true), Some("2.3.0")), "{answer}");
    let (code, said) = place.verb(&["apply", "--remove", "Release/out", "--reason", "withdrawn"]).await;
    assert_eq!((code, place.decide("reader").await["version"].as_str()), (Some(0), None), "{said}");
    assert_eq!(place.phase("out").await, "unknown");
    place.ticks(2).await;
    assert_eq!(place.documents().await["vanished"].as_array().unwrap().len(), 0);
    place.restart().await;
    assert_eq!(place.phase("out").await, "unknown", "and it is not remembered by a restart");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planned_release_is_forgotten_and_one_that_was_called_off_too() {
    let far = release("far", "reader", "").replace("go: auto\n", "").replace("launch_at: 2", "launch_at: 3");
    let near = release("near", "player", "").replace("go: auto", "go: manual");
    let place = Place::new(&[("far.yaml", &far), ("near.yaml", &near)]).await;
    place.until_phase("near", "ready").await;
    place.remove("far.yaml");
    place.until("far is forgotten", async || place.phase("far").await == "unknown").await;
    assert_eq!(place.events("forgotten").await, ["far is forgotten: its document is gone."]);
    place.remove("near.yaml");
    place.until_phase("near", "held").await;
    let (code, said) = place.verb(&["scrub", "near", "--reason", "no date"]).await;
    assert_eq!(code, Some(0), "{said}");
    place.until("near is forgotten", async || place.phase("near").await == "unknown").await;
    assert_eq!(place.documents().await["vanished"].as_array().unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_away_says_nothing_about_its_documents() {
    let place = place().await;
    let (docs, away) = (place.folder.path().join("docs"), place.folder.path().join("away"));
    fs::rename(&docs, &away).unwrap();
    place.until("it is said", async || place.documents().await["valid"] == false).await;
    place.ticks(2).await;
    assert_eq!((place.phase("r").await.as_str(), place.percent_ppm("reader").await), ("rolling", 100_000));
    let documents = place.documents().await;
    assert_eq!((documents["vanished"].as_array().unwrap().len(), &documents["findings"][0]["code"]), (0, &"TM0101".into()));
    fs::rename(&away, &docs).unwrap();
    place.until("it is back", async || place.documents().await["valid"] == true).await;
    assert_eq!(place.phase("r").await, "rolling");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_named_and_gone_holds_its_release_and_is_an_error_besides() {
    let folder = tempfile::tempdir().unwrap();
    let settings = super::files::settings("").replace("[docs]", "[r.yaml]");
    fs::write(folder.path().join("tminus.yaml"), settings).unwrap();
    fs::write(folder.path().join("r.yaml"), release("r", "reader", "")).unwrap();
    let daemon = super::start(folder.path()).await;
    let mut place = Place { folder, daemon };
    place.until_phase("r", "rolling").await;
    fs::remove_file(place.folder.path().join("r.yaml")).unwrap();
    place.until_phase("r", "held").await;
    assert_eq!((place.documents().await["valid"].as_bool(), place.percent_ppm("reader").await), (Some(false), 100_000));
    place.restart().await;
    assert_eq!((place.phase("r").await.as_str(), place.percent_ppm("reader").await), ("held", 100_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_replaced_in_two_moves_is_never_missed() {
    let place = place().await;
    let text = fs::read_to_string(place.path("r.yaml")).unwrap();
    for dwell in 1..=5 {
        let aside = place.folder.path().join("aside.yaml");
        fs::rename(place.path("r.yaml"), &aside).unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        fs::remove_file(aside).unwrap();
        place.write("r.yaml", &text.replace("dwell: 2h", &format!("dwell: {dwell}0m")));
        place.until("the change", async || place.get("/api/v1/releases/r").await["steps"][0]["dwell_secs"] == dwell * 600).await;
    }
    assert_eq!(place.phase("r").await, "rolling");
    assert!(place.told().iter().all(|what| !what.contains("holds")), "{:?}", place.told());
}
