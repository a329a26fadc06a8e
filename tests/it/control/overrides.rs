//! Overrides over HTTP and by the verb: what is refused and how, the preview, and what people see of those in force.

use serde_json::Value;
use tokio::process::Command;

use super::fake::{Room, open, put, send};

const FLOOR: &str = "/api/v1/overrides/reader-api/floor";

fn body(instances: u32, lasting: &str) -> String {
    format!(r#"{{"instances": {instances}, "for": "{lasting}", "reason": "a storm"}}"#)
}

async fn verb(room: &Room, words: &str) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tminus"));
    command.args(words.split_whitespace()).env("TMINUS_SERVER", format!("http://{}", room.address));
    let out = command.env_remove("TMINUS_TOKEN").output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (out.status.code().unwrap(), text(out.stdout), text(out.stderr))
}

#[tokio::test]
async fn every_refusal_has_its_code_and_says_what_to_do() {
    let room = open(Vec::new()).await;
    for (path, body, status, code, says) in [
        (FLOOR, body(61, "2h"), 422, "beyond_limits", "ceiling of 60"),
        (FLOOR, body(3, "2h"), 422, "beyond_limits", "floor of 4"),
        (FLOOR, body(12, "25h"), 422, "beyond_maximum", "from now"),
        (FLOOR, body(12, "0s"), 400, "malformed", "how long"),
        (FLOOR, body(12, "soon"), 400, "malformed", "for"),
        (FLOOR, r#"{"for": "2h", "reason": "x"}"#.into(), 400, "malformed", "instances"),
        (FLOOR, r#"{"instances": 9, "for": "2h", "reason": " "}"#.into(), 400, "malformed", "reason"),
        ("/api/v1/overrides/reader-api/freeze", body(12, "2h"), 400, "malformed", "takes no number"),
        ("/api/v1/overrides/nobody/floor", body(12, "2h"), 404, "not_found", ""),
        ("/api/v1/overrides/reader-api/top", body(12, "2h"), 404, "not_found", ""),
        ("/api/v1/overrides/reader-api/pin/end", r#"{"for": "1h"}"#.into(), 409, "no_override", "no override at all"),
    ] {
        let reply = put(room.address, path, &[], &body).await;
        let json = reply.json();
        assert_eq!((reply.status, json["code"].as_str()), (status, Some(code)), "{path} {body}: {reply:?}");
        assert!(json["detail"].as_str().unwrap().contains(says), "{path} {body}: {reply:?}");
    }
    assert_eq!(send(room.address, "GET /api/v1/overrides", &[], "").await.json()["overrides"], Value::Array(Vec::new()));
}

#[tokio::test]
async fn one_is_previewed_imposed_extended_and_cleared() {
    let room = open(Vec::new()).await;
    let read = async || send(room.address, "GET /api/v1/overrides", &[], "").await;
    let preview =
        put(room.address, &format!("{FLOOR}?dry_run=true"), &[], r#"{"more_percent": 50, "for": "2h", "reason": "x"}"#).await;
    assert_eq!((preview.status, preview.json()["instances"].as_u64()), (200, Some(8)), "half more than five: {preview:?}");
    assert!(preview.json()["sentence"].as_str().unwrap().contains("floor 4 -> 8"), "{preview:?}");
    assert_eq!(read().await.json()["overrides"].as_array().unwrap().len(), 0, "nothing was done");

    let before = format!("If-Match: {}", read().await.header("etag").unwrap());
    assert_eq!(put(room.address, FLOOR, &[&before], &body(12, "2h")).await.status, 200);
    assert_eq!(put(room.address, FLOOR, &[&before], &body(14, "2h")).await.status, 412, "it changed since");
    assert_eq!(put(room.address, FLOOR, &[], &body(14, "2h")).await.status, 200, "the newest replaces");
    let list = read().await.json();
    let one = &list["overrides"][0];
    assert_eq!(
        (one["kind"].as_str(), one["instances"].as_u64(), one["id"].as_u64()),
        (Some("floor"), Some(14), Some(2)),
        "{list}"
    );
    assert_eq!(list["overrides"].as_array().unwrap().len(), 1);

    let longer = put(room.address, &format!("{FLOOR}/end"), &[], r#"{"for": "1h"}"#).await;
    assert_eq!((longer.status, longer.json()["code"].as_str()), (200, Some("extended")), "{longer:?}");
    let left = read().await.json()["overrides"][0]["left_secs"].as_u64().unwrap();
    assert!((3 * 3_600 - 60..=3 * 3_600).contains(&left), "{left}");
    let cleared = send(room.address, "DELETE /api/v1/overrides/reader-api/floor?reason=over", &[], "").await;
    assert_eq!((cleared.status, cleared.json()["code"].as_str()), (200, Some("cleared")), "{cleared:?}");
    assert_eq!(send(room.address, "DELETE /api/v1/overrides/reader-api/floor", &[], "").await.status, 409);
}

#[tokio::test]
async fn on_call_needs_one_command_and_sees_its_cost_first() {
    let room = open(Vec::new()).await;
    let (code, out, err) = verb(&room, "override add reader-api --more 50% --for 2h --reason storm").await;
    assert_eq!(code, 0, "{out} {err}");
    assert!(err.contains("floor 4 -> 8") && out.contains("gets a floor of 8"), "the cost comes first: {out} {err}");
    let (_, out, _) = verb(&room, "override list").await;
    assert!(out.contains("reader-api floor of 8") && out.contains("left, by") && out.contains("storm"), "{out}");
    verb(&room, "scrub plain --reason done").await;
    let (code, out, _) = verb(&room, "watch plain").await;
    assert!(code == 6 && out.contains("reader-api floor of 8"), "watch ends with the release: {out}");
    for words in ["status", "status plain"] {
        let (_, out, _) = verb(&room, words).await;
        assert!(out.contains("reader-api floor of 8"), "{words} shows it: {out}");
    }
    let (code, out, err) = verb(&room, "override extend reader-api --for 1h").await;
    assert!(code == 0 && out.contains("lasts 1h longer"), "{out} {err}");
    let (code, out, _) = verb(&room, "override add reader-api --freeze --for 1h --reason look --dry-run -o json").await;
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, json["kind"].as_str(), json["instances"].as_u64()), (0, Some("freeze"), None));
    verb(&room, "override add reader-api --freeze --for 1h --reason look").await;
    let (code, _, err) = verb(&room, "override clear reader-api").await;
    assert!(code == 1 && err.contains("floor and freeze"), "{err}");
    assert_eq!(verb(&room, "override clear reader-api freeze --reason seen").await.0, 0);
    assert_eq!(verb(&room, "override clear reader-api").await.0, 0);
    let (code, _, err) = verb(&room, "override clear reader-api").await;
    assert!(code == 1 && err.contains("no override is in force"), "{err}");
    for words in [
        "override add reader-api --for 2h --reason x",
        "override add reader-api --floor 5 --pin 5 --for 2h --reason x",
        "override add reader-api --more nothing --for 2h --reason x",
    ] {
        assert_eq!(verb(&room, words).await.0, 64, "{words}");
    }
}
