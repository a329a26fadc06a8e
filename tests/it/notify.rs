//! The notifier from the outside: real sockets, real commands.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tminus::core::decide::{Announcement, Topic};
use tminus::core::words::Name;
use tminus::shell::clock;
use tminus::shell::notify::{DeliveryResult, Notifier};
use tminus::shell::spec::{NotifierSpec, NotifyTarget};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request as it came in: start line, headers in lower case, body.
#[derive(Clone, Debug)]
struct Received {
    line: String,
    headers: BTreeMap<String, String>,
    body: String,
}

/// A receiver on loopback that answers each path with its own scripted head.
struct Receiver {
    base: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Receiver {
    /// `answers`: path to everything of the answer after `HTTP/1.1 `; an empty answer: none ever comes.
    async fn start(answers: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let answers: BTreeMap<String, String> =
            answers.iter().map(|(path, answer)| ((*path).into(), answer.replace("BASE", &base))).collect();
        let log = received.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answers.clone(), log.clone()));
            }
        });
        Self { base, received }
    }

    fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    fn webhook(&self, path: &str) -> NotifyTarget {
        NotifyTarget::Webhook(format!("{}{path}", self.base))
    }
}

async fn serve(mut stream: TcpStream, answers: BTreeMap<String, String>, log: Arc<Mutex<Vec<Received>>>) {
    let Some(request) = read(&mut stream).await else { return };
    let path = request.line.split(' ').nth(1).unwrap_or_default().to_owned();
    log.lock().unwrap().push(request);
    match answers.get(&path).map(String::as_str) {
        Some("") => tokio::time::sleep(Duration::from_mins(1)).await,
        answer => {
            let head = answer.unwrap_or("404 Not Found");
            let _ =
                stream.write_all(format!("HTTP/1.1 {head}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").as_bytes()).await;
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).await.ok()?;
        bytes.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let mut lines = head.lines();
            let line = lines.next()?.to_owned();
            let headers: BTreeMap<String, String> =
                lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_lowercase(), value.into())).collect();
            if headers.get("content-length").is_none_or(|length| body.len() >= length.parse().unwrap()) {
                return Some(Received { line, headers, body: body.into() });
            }
        }
        if count == 0 {
            return None;
        }
    }
}

fn announcement(topic: Topic) -> Announcement {
    Announcement {
        key: "reader-2.3/hold/1".into(),
        topic,
        release: Some(Name::new("reader-2.3").unwrap()),
        clock: Some("T-12m".into()),
        what: "The release holds: coverage on edge2 is 97.1 %.".into(),
        meaning: "The launch will not start at T-0.".into(),
        next: "Look at edge2, or waive the item warm.".into(),
        at: "2026-12-01T18:48:00Z".parse().unwrap(),
    }
}

fn notifier(on: &[Topic], to: Vec<NotifyTarget>) -> Notifier {
    let spec = NotifierSpec { name: Name::new("on-call").unwrap(), on: on.to_vec(), to };
    Notifier::new(vec![spec]).unwrap()
}

fn shell(script: &str) -> NotifyTarget {
    NotifyTarget::Command(vec!["/bin/sh".into(), "-c".into(), script.into()])
}

async fn deliver_one(target: NotifyTarget) -> DeliveryResult {
    let mut results = notifier(&[], vec![target]).deliver(&announcement(Topic::Hold), &[]).await;
    assert_eq!(results.len(), 1);
    results.remove(0)
}

#[tokio::test]
async fn a_webhook_gets_the_whole_announcement_once() {
    let receiver = Receiver::start(&[("/hook", "204 No Content")]).await;
    let result = deliver_one(receiver.webhook("/hook")).await;
    assert_eq!(result.outcome, Ok("answered 204 No Content".into()));
    let received = receiver.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].line, "POST /hook HTTP/1.1");
    assert_eq!(received[0].headers["x-tminus-event"], "reader-2.3/hold/1");
    assert_eq!(received[0].headers["content-type"], "application/json");
    assert!(received[0].headers["user-agent"].starts_with("tminus/"));
    let body: serde_json::Value = serde_json::from_str(&received[0].body).unwrap();
    let expected = serde_json::json!({
        "key": "reader-2.3/hold/1", "topic": "hold", "release": "reader-2.3", "clock": "T-12m",
        "what": "The release holds: coverage on edge2 is 97.1 %.", "meaning": "The launch will not start at T-0.",
        "next": "Look at edge2, or waive the item warm.", "at": "2026-12-01T18:48:00Z",
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn topics_choose_who_hears_and_the_default_is_what_needs_a_person() {
    use Topic::{Abort, CountsLate, Halt, Hold, OverrideExpiring, Readiness, Step};
    let all = [Readiness, Step, Hold, Abort, Halt, OverrideExpiring, CountsLate];
    for (on, heard) in [
        (vec![], vec![Readiness, Hold, Abort, Halt, OverrideExpiring, CountsLate]),
        (vec![Step, Abort], vec![Step, Abort]),
        (all.to_vec(), all.to_vec()),
    ] {
        let notifier = notifier(&on, vec![NotifyTarget::Command(vec!["true".into()])]);
        for topic in all {
            let results = notifier.deliver(&announcement(topic), &[]).await;
            assert_eq!(!results.is_empty(), heard.contains(&topic), "{topic:?} with on: {on:?}");
        }
    }
}

#[tokio::test]
async fn who_was_told_is_not_told_again_when_another_failed() {
    let receiver = Receiver::start(&[("/good", "200 OK"), ("/bad", "503 Service Unavailable\r\nretry-after: 7")]).await;
    let notifier = notifier(&[], vec![receiver.webhook("/good"), receiver.webhook("/bad"), receiver.webhook("/good")]);
    let first = notifier.deliver(&announcement(Topic::Abort), &[]).await;
    assert_eq!(first.len(), 2, "the one written twice is told once");
    let failed = first[1].outcome.as_ref().unwrap_err();
    assert!(failed.message.contains("503"), "{failed}");
    assert_eq!(failed.retry_after_secs, Some(7));

    let already: Vec<String> = first.iter().filter(|result| result.outcome.is_ok()).map(|result| result.target.clone()).collect();
    let second = notifier.deliver(&announcement(Topic::Abort), &already).await;
    assert_eq!(second.len(), 1);
    assert_eq!(second[0].target, first[1].target);
    let good = receiver.received().iter().filter(|request| request.line.contains("/good")).count();
    assert_eq!(good, 1);

    let everybody: Vec<String> = first.into_iter().map(|result| result.target).collect();
    assert_eq!(notifier.deliver(&announcement(Topic::Abort), &everybody).await, []);
}

#[tokio::test]
async fn redirects_keep_the_message_within_its_origin() {
    let elsewhere = Receiver::start(&[("/stolen", "200 OK")]).await;
    let away = format!("307 Temporary Redirect\r\nlocation: {}/stolen", elsewhere.base);
    let receiver = Receiver::start(&[
        ("/moved", "308 Permanent Redirect\r\nlocation: /hook"),
        ("/hook", "200 OK"),
        ("/away", &away),
        ("/dropping", "302 Found\r\nlocation: /hook"),
        ("/loop", "307 Temporary Redirect\r\nlocation: /loop"),
    ])
    .await;
    for (path, delivered) in [("/moved", true), ("/away", false), ("/dropping", false), ("/loop", false)] {
        let result = deliver_one(receiver.webhook(path)).await;
        assert_eq!(result.outcome.is_ok(), delivered, "{path}: {result:?}");
    }
    assert!(elsewhere.received().is_empty());
    let at_hook: Vec<Received> = receiver.received().into_iter().filter(|request| request.line.contains("/hook")).collect();
    assert_eq!(at_hook.len(), 1);
    assert!(at_hook[0].line.starts_with("POST") && at_hook[0].body.contains("reader-2.3/hold/1"), "{at_hook:?}");
}

#[tokio::test]
async fn a_silent_receiver_holds_up_nobody_for_longer_than_its_limit() {
    let receiver = Receiver::start(&[("/silent", ""), ("/good", "200 OK")]).await;
    let begun = clock::monotonic();
    let results = notifier(&[], vec![receiver.webhook("/silent"), receiver.webhook("/good")])
        .deliver(&announcement(Topic::Hold), &[])
        .await;
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    assert_eq!(results[0].outcome.as_ref().unwrap_err().message, "no answer within 5 s");
    assert!(results[1].outcome.is_ok());
}

#[tokio::test]
async fn a_secret_url_is_in_no_result() {
    let receiver = Receiver::start(&[]).await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for base in [receiver.base.clone(), format!("http://{closed}"), "http://canary.invalid".into()] {
        let url = format!("{base}/services/canary?key=canary");
        let plain = deliver_one(NotifyTarget::Webhook(url.clone())).await;
        let spec =
            NotifierSpec { name: Name::new("room").unwrap(), on: vec![], to: vec![NotifyTarget::WebhookEnv("ROOM_URL".into())] };
        let notifier = Notifier::with_environment(vec![spec], |name| (name == "ROOM_URL").then(|| url.clone())).unwrap();
        let secret = notifier.deliver(&announcement(Topic::Hold), &[]).await.remove(0);
        assert!(secret.outcome.is_err() && secret.label.contains("ROOM_URL"), "{secret:?}");
        for text in [
            format!("{secret:?}"),
            format!("{notifier:?}").replace("canary.invalid", ""),
            format!("{plain:?}").replace("canary.invalid", ""),
        ] {
            assert!(!text.contains("canary"), "{text}");
        }
    }
}

#[tokio::test]
async fn a_missing_variable_is_named_and_silences_nobody_else() {
    let to =
        vec![NotifyTarget::WebhookEnv("TMINUS_TEST_VARIABLE_THAT_IS_NOT_SET".into()), NotifyTarget::Command(vec!["true".into()])];
    let results = notifier(&[], to).deliver(&announcement(Topic::Halt), &[]).await;
    let problem = &results[0].outcome.as_ref().unwrap_err().message;
    assert!(problem.contains("TMINUS_TEST_VARIABLE_THAT_IS_NOT_SET") && problem.contains("not set"), "{problem}");
    assert!(results[1].outcome.is_ok());
}

#[tokio::test]
async fn a_command_gets_the_announcement_on_stdin_and_its_arguments_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("got");
    let arguments =
        ["/bin/sh", "-c", "cat > \"$1\"; printf %s \"$2\" >> \"$1\"", "sh", file.to_str().unwrap(), "; echo $(id) `id`"];
    let result = deliver_one(NotifyTarget::Command(arguments.iter().map(|&argument| argument.into()).collect())).await;
    assert_eq!(result.outcome, Ok("exited with 0".into()));
    let got = std::fs::read_to_string(&file).unwrap();
    let json = got.strip_suffix("; echo $(id) `id`").unwrap();
    let body: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(body["next"], "Look at edge2, or waive the item warm.");
}

#[tokio::test]
async fn commands_that_fail_say_why() {
    for (script, expected) in [
        ("echo 'no route to pager' >&2; exit 3", "exit status: 3: no route to pager"),
        ("echo on stdout; exit 1", "exit status: 1: on stdout"),
        ("kill -9 $$", "signal: 9"),
    ] {
        let failed = deliver_one(shell(script)).await.outcome.unwrap_err().message;
        assert!(failed.contains(expected), "{script}: {failed}");
    }
    let absent = deliver_one(NotifyTarget::Command(vec!["/nowhere/page.sh".into()])).await.outcome.unwrap_err().message;
    assert!(absent.contains("did not start"), "{absent}");
}

#[tokio::test]
async fn commands_that_flood_or_do_not_read_are_fine() {
    for script in ["head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2", "exec 0<&-; exit 0", "sleep 30 & exit 0"] {
        let begun = clock::monotonic();
        let result = deliver_one(shell(script)).await;
        assert!(result.outcome.is_ok(), "{script}: {result:?}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{script}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_command_past_its_limit_is_killed_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ids");
    let script = format!("trap '' TERM; sleep 60 & echo $$ $! > {}; wait", file.display());
    let failed = deliver_one(shell(&script)).await.outcome.unwrap_err().message;
    assert!(failed.contains("still running after 10s"), "{failed}");
    let ids = std::fs::read_to_string(&file).unwrap();
    for id in ids.split_whitespace() {
        let until = clock::monotonic() + Duration::from_secs(5);
        while is_alive(id) {
            assert!(clock::monotonic() < until, "process {id} is still there");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A zombie waits only for its parent to look: it runs no more.
fn is_alive(id: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}
