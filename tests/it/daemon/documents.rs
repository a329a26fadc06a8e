//! Documents that change while the daemon runs: in force within a tick, or refused whole and said on every surface.

use std::fs;

use super::files::{NOTIFIER, Place, TICK, release, settings, throttle};
use super::{Command, start};

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_in_force_within_a_tick_however_it_is_written() {
    let place = Place::new(&[("a.yaml", &throttle("t", "40"))]).await;
    let docs = place.folder.path().join("docs");
    let becomes = async |ppm: i64, how: &str| {
        let took = place.until(how, async || place.percent_ppm("player").await == ppm).await;
        assert!(took <= TICK, "{how} took {took:?}");
    };
    assert_eq!(place.percent_ppm("player").await, 400_000);
    place.write("a.yaml", &throttle("t", "30"));
    becomes(300_000, "written in place").await;

    fs::write(docs.join(".a.swp"), throttle("t", "20")).unwrap();
    fs::rename(docs.join(".a.swp"), docs.join("a.yaml")).unwrap();
    becomes(200_000, "renamed over").await;

    let written = fs::metadata(docs.join("a.yaml")).unwrap().modified().unwrap();
    place.write("a.yaml", &throttle("t", "25"));
    fs::File::options().write(true).open(docs.join("a.yaml")).unwrap().set_modified(written).unwrap();
    becomes(250_000, "same size, its time set back").await;

    fs::create_dir(docs.join("below")).unwrap();
    fs::rename(docs.join("a.yaml"), docs.join("below/b.yml")).unwrap();
    place.write("below/b.yml", &throttle("t", "15"));
    becomes(150_000, "moved").await;
    assert_eq!(place.documents().await["vanished"].as_array().unwrap().len(), 0, "what moved is not gone");

    let emptied = throttle("t", "15").lines().take(3).collect::<Vec<_>>().join("\n");
    place.write("below/b.yml", &emptied);
    becomes(1_000_000, "its rules taken out").await;
    place.remove("below/b.yml");
    place
        .until("without rules it may go", async || place.events("reload").await.iter().any(|line| line.contains("removed")))
        .await;
    assert_eq!(place.documents().await["vanished"].as_array().unwrap().len(), 0);
    assert!(place.metric("tminus_document_loads_total{result=\"changed\"}").await >= 5.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mounted_volume_that_is_turned_is_seen_whole() {
    let place = Place::new(&[]).await;
    place.mount("..v1", &[("a.yaml", &throttle("t", "30")), ("b.yaml", &release("player-2", "other", ""))]);
    place.until("the first volume", async || place.percent_ppm("player").await == 300_000).await;
    place.until_phase("player-2", "rolling").await;
    for (version, percent) in [("..v2", 20), ("..v3", 10), ("..v4", 5)] {
        place.mount(version, &[("a.yaml", &throttle("t", &percent.to_string())), ("b.yaml", &release("player-2", "other", ""))]);
        place.until(version, async || place.percent_ppm("player").await == percent * 10_000).await;
    }
    assert_eq!(place.phase("player-2").await, "rolling", "nothing of it was ever missing");
    assert_eq!(place.documents().await["vanished"].as_array().unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_change_keeps_the_old_configuration_and_says_so_everywhere() {
    let place = Place::new(&[("a.yaml", &throttle("t", "30")), ("n.yaml", NOTIFIER)]).await;
    place.write("a.yaml", &throttle("t", "80").replace("percent", "percnt"));
    place.write("b.yaml", &throttle("u", "10").replace("player", "other"));
    place.until("it is refused", async || place.documents().await["valid"] == false).await;

    let list = place.get("/api/v1/releases").await;
    assert!(list["document_errors"].as_u64().unwrap() >= 1, "{list}");
    let finding = &list["documents"]["findings"][0];
    assert!(finding["message"].as_str().unwrap().contains("percnt") && finding["line"] == 4, "{list}");
    let (code, said) = place.verb(&["status"]).await;
    assert!(code == Some(0) && said.contains("percnt") && said.contains("stay in force"), "{said}");
    let ready = place.text("/-/ready").await;
    assert!(ready.starts_with("ready\n") && ready.contains("percnt"), "{ready}");
    assert_eq!(place.metric("tminus_documents_valid").await, 0.0);
    assert_eq!(place.metric("tminus_document_loads_total{result=\"rejected\"}").await, 1.0);
    let (code, told) = place.reload().await;
    assert_eq!((code, told["code"].as_str()), (422, Some("invalid_documents")), "{told}");
    assert!(told["findings"][0]["file"].as_str().unwrap().ends_with("docs/a.yaml"), "{told}");
    // Whole: the good half of the change is not in force either.
    assert_eq!((place.percent_ppm("player").await, place.percent_ppm("other").await), (300_000, 1_000_000));

    place.ticks(3).await;
    place.until("people hear", async || !place.told().is_empty()).await;
    assert_eq!(place.told().len(), 1, "once: {:?}", place.told());
    assert!(place.told()[0].contains("are refused") && place.told()[0].contains("percnt"), "{:?}", place.told());
    assert_eq!(place.events("announcement").await.len(), 1);

    place.write("a.yaml", &throttle("t", "80"));
    place.until("the mended change", async || place.percent_ppm("player").await == 800_000).await;
    assert_eq!((place.percent_ppm("other").await, place.metric("tminus_documents_valid").await), (100_000, 1.0));
    place.until("people hear that it is good", async || place.told().len() == 2).await;
    assert_eq!((place.told()[1].as_str(), place.text("/-/ready").await.as_str()), ("The documents are valid again.", "ready\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_one_row_of_the_audit_and_one_line_of_the_timeline() {
    let mut place = Place::new(&[("a.yaml", &throttle("t", "30"))]).await;
    place.write("b.yaml", &release("r", "reader", ""));
    place.until_phase("r", "rolling").await;
    assert_eq!(place.events("reload").await, ["Documents: created: Release/r."]);
    place.write("b.yaml", &release("r", "reader", "").replace("dwell: 2h", "dwell: 3h"));
    place.until("the change", async || place.events("reload").await.len() == 2).await;
    assert_eq!(place.events("reload").await[1], "Documents: changed: Release/r.");
    place.ticks(3).await;
    assert_eq!(place.events("reload").await.len(), 2, "a line a change");
    place.daemon.child.kill().await.unwrap();
    let database = rusqlite::Connection::open(place.folder.path().join("data/tminus.db")).unwrap();
    let count: i64 = database
        .query_row("SELECT COUNT(*) FROM audit WHERE cause = 'reload' AND summary LIKE 'Documents: %'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(count, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_that_is_asked_for_is_done_at_once() {
    let place = Place::with(&[("a.yaml", &throttle("t", "30"))], "").await;
    // So long a tick that nothing here could be the watch's doing.
    fs::write(place.folder.path().join("tminus.yaml"), settings("").replace("tick: 3s", "tick: 1h")).unwrap();
    assert_eq!(place.reload().await.0, 200);
    place.write("a.yaml", &throttle("t", "20"));
    let (code, told) = place.reload().await;
    assert_eq!((code, &told["changed"][0]), (200, &"ThrottlePolicy/t".into()), "{told}");
    assert_eq!(place.percent_ppm("player").await, 200_000, "answered is in force");
    let (_, told) = place.reload().await;
    assert_eq!(told["changed"].as_array().unwrap().len(), 0, "{told}");

    place.write("a.yaml", &throttle("t", "10"));
    let hup = Command::new("kill").args(["-HUP", &place.daemon.child.id().unwrap().to_string()]).status().await.unwrap();
    assert!(hup.success());
    let took = place.until("after SIGHUP", async || place.percent_ppm("player").await == 100_000).await;
    assert!(took.as_secs() < 3, "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_curve_beside_a_release_is_watched_too() {
    let audience = "audience: {clients: 1k, requests_per_client: 1, adoption: {curve: curve.csv}}\n";
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("docs")).unwrap();
    fs::write(folder.path().join("docs/curve.csv"), "after,percent\n1h,50\n2h,100\n").unwrap();
    fs::write(folder.path().join("docs/r.yaml"), release("r", "reader", audience)).unwrap();
    fs::write(folder.path().join("tminus.yaml"), settings("")).unwrap();
    let daemon = start(folder.path()).await;
    let place = Place { folder, daemon };
    place.until_phase("r", "rolling").await;
    place.write("curve.csv", "after,percent\n1h,60\n2h,100\n");
    place.until("the curve", async || place.events("reload").await == ["Documents: changed: Release/r."]).await;
    place.write("curve.csv", "after,percent\n1h,60\n2h,10\n");
    place.until("a curve that falls", async || place.documents().await["valid"] == false).await;
    place.remove("curve.csv");
    place.ticks(2).await;
    assert_eq!((place.documents().await["valid"].as_bool(), place.phase("r").await.as_str()), (Some(false), "rolling"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_launched_release_is_may_not_change_by_file_or_by_apply() {
    let mut place = Place::new(&[("r.yaml", &release("r", "reader", ""))]).await;
    place.until_phase("r", "rolling").await;
    let other = release("r", "reader", "").replace("2.3.0", "2.4.0");
    let (code, said) = {
        fs::write(place.folder.path().join("other.yaml"), &other).unwrap();
        let file = place.folder.path().join("other.yaml");
        place.verb(&["apply", file.to_str().unwrap()]).await
    };
    assert!(code == Some(1) && said.contains("TM0401"), "{said}");
    place.write("r.yaml", &other);
    place.until("it is refused", async || place.documents().await["valid"] == false).await;
    let documents = place.documents().await;
    assert_eq!((&documents["findings"][0]["code"], &documents["findings"][0]["path"]), (&"TM0401".into(), &"version".into()));
    // Steps may change, and raise nothing: 50 % waits for SAFE or a person.
    place.write("r.yaml", &release("r", "reader", "").replace("percent: 10,", "percent: 50,"));
    place.until("the steps", async || place.documents().await["valid"] == true).await;
    assert_eq!(place.percent_ppm("reader").await, 100_000);
    place.restart().await;
    assert_eq!(place.percent_ppm("reader").await, 100_000);
    let (code, said) = place.verb(&["advance", "r", "--reason", "seen enough"]).await;
    assert_eq!((code, place.percent_ppm("reader").await), (Some(0), 500_000), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_starts_into_a_bad_edit_starts_with_what_was_in_force() {
    let mut place = Place::new(&[("a.yaml", &throttle("t", "30")), ("r.yaml", &release("r", "reader", ""))]).await;
    place.until_phase("r", "rolling").await;
    place.write("a.yaml", "rules: [");
    place.until("it is refused", async || place.documents().await["valid"] == false).await;
    place.restart().await;
    assert_eq!((place.percent_ppm("player").await, place.percent_ppm("reader").await), (300_000, 100_000));
    assert_eq!((place.documents().await["valid"].as_bool(), place.phase("r").await.as_str()), (Some(false), "rolling"));
    place.write("a.yaml", &throttle("t", "20"));
    place.until("the mended file", async || place.percent_ppm("player").await == 200_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_that_voids_a_signature_says_whose() {
    let checklist = |title: &str| {
        format!("apiVersion: tminus/v1\nkind: Checklist\nname: list\nitems: [{{id: tested, title: {title}, sign_off: {{}}}}]\n")
    };
    let far = release("far", "reader", "checklists: [list]\n").replace("go: auto", "go: manual");
    let place = Place::new(&[("r.yaml", &far), ("c.yaml", &checklist("Tested"))]).await;
    assert_eq!(place.verb(&["sign-off", "far", "tested"]).await.0, Some(0));
    let file = place.folder.path().join("changed.yaml");
    fs::write(&file, checklist("Tested twice")).unwrap();
    let (code, said) = place.verb(&["apply", file.to_str().unwrap()]).await;
    assert!(code == Some(0) && said.contains("far/tested (local) is void"), "{said}");
    let told = place.events("announcement").await;
    assert!(told.iter().any(|line| line.contains("local's sign-off of tested of far is void")), "{told:?}");
}
