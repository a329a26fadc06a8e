//! Saved plans against a real daemon: carried out once, empty after it, and refused when anything moved.

use std::fs;

use serde_json::Value;

use super::files::Place;

const RELEASE: &str = "
apiVersion: tminus/v1
kind: Release
name: player-2
app: player
version: 2.3.0
channels: [release]
launch_at: 2099-12-01T11:00:00Z
scaling: [player-api]
rollout: {steps: [{percent: 10, dwell: 2h}, {percent: 100, bake: 1h}]}
audience:
  clients: 180k
  adoption: {half_life: 6h, ceiling: 60}
  requests_per_client: 40
";

const GROUP: &str = "
apiVersion: tminus/v1
kind: ScalingPolicy
name: player-api
group: {aws: {name: player-api, region: us-west-2}}
capacity_per_instance: 45/s
limits: {floor: 4, ceiling: 60, step: 20}
price: {per_instance_hour: 0.34, currency: USD}
service: {time: 0.1s, concurrency: 6}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_is_carried_out_once_and_refused_when_anything_moved() {
    let place = Place::new(&[("release.yaml", RELEASE), ("group.yaml", GROUP)]).await;
    let file = place.folder.path().join("plan.json");
    let file = file.to_str().unwrap();
    let verb = async |words: &[&str], code: i32, holds: &str| {
        let (exit, text) = place.verb(words).await;
        assert_eq!(exit, Some(code), "{words:?}: {text}");
        assert!(text.contains(holds), "{words:?}: {holds:?} is not in {text}");
    };
    verb(&["plan", "player-2", "--detailed-exitcode"], 2, "floor player-api: 4 -> ").await;
    verb(&["plan", "player-2", "--out", file], 0, "What matters most is how fast clients come of player-2").await;
    verb(&["plan", "player-2"], 0, "waiting (Erlang C): ").await;
    verb(&["plan", "player-2"], 0, "lead: 20m, as the policy states").await;
    verb(&["apply", file], 0, "the plan of player-2 is applied").await;
    verb(&["apply", file], 0, "applied this plan of player-2 already").await;
    verb(&["plan", "player-2", "--detailed-exitcode"], 0, "Plan: no changes").await;
    let plan = place.get("/api/v1/plans/player-2").await;
    assert_eq!(plan["actions"], serde_json::json!([]), "{plan:#}");
    assert!(plan["scheduled"].as_array().unwrap().len() > 3 && plan["applied"]["by"] == "local", "{plan:#}");
    let told = place.events("order").await;
    assert_eq!(told.iter().filter(|line| line.contains("is applied: what is due by it starts now")).count(), 1, "{told:?}");

    // The floors go higher than was agreed: that is a difference, and the older plan is of other documents.
    place.write("group.yaml", &GROUP.replace("45/s", "30/s"));
    place.until("the policy is in force", async || place.get("/api/v1/plans/player-2").await["actions"] != plan["actions"]).await;
    verb(&["plan", "player-2", "--detailed-exitcode"], 2, "to change").await;
    let other = place.folder.path().join("other.json");
    let saved: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let mut hand_made = saved.clone();
    hand_made["plan"]["made_from"]["floors"]["player-api"] = "60".into();
    fs::write(&other, hand_made.to_string()).unwrap();
    verb(&["apply", other.to_str().unwrap()], 1, "was changed after it was saved").await;

    verb(&["plan", "player-2", "--out", file], 0, "to change").await;
    place.write("release.yaml", &RELEASE.replace("180k", "170k"));
    place
        .until("the release is in force", async || place.get("/api/v1/plans/player-2").await["digest"] != saved_digest(file))
        .await;
    verb(&["apply", file], 1, "Release/player-2 has changed").await;

    verb(&["plan", "player-2", "--out", file], 0, "to change").await;
    verb(&["scrub", "player-2", "--reason", "weather"], 0, "scrubbed").await;
    verb(&["apply", file], 1, "player-2 was planned and is scrubbed").await;
}

fn saved_digest(file: &str) -> Value {
    serde_json::from_str::<Value>(&fs::read_to_string(file).unwrap()).unwrap()["plan"]["digest"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_was_made_without_the_world_says_so() {
    let place = Place::new(&[
        ("release.yaml", RELEASE),
        (
            "group.yaml",
            &GROUP.replace("aws: {name: player-api, region: us-west-2}", "local: {command: [./nothing], ceiling: 60}"),
        ),
    ])
    .await;
    let file = place.folder.path().join("plan.json");
    place.until("the group is seen", async || !place.get("/api/v1/plans/player-2").await["groups"][0]["floor"].is_null()).await;
    let documents = place.folder.path().join("docs");
    let (code, text) =
        place.verb(&["plan", "player-2", "--config", documents.to_str().unwrap(), "--out", file.to_str().unwrap()]).await;
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = place.verb(&["apply", file.to_str().unwrap()]).await;
    assert!(code == Some(1) && text.contains("player-api was not observed and is floor 1"), "{text}");
}
