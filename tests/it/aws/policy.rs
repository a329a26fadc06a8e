//! The rights that are asked for are those of the calls that are made.

use std::collections::BTreeSet;
use std::path::Path;

fn text(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn the_policy_allows_the_calls_that_are_made_and_no_others() {
    let policy: serde_json::Value = serde_json::from_str(&text("deploy/aws/policy.json")).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let actions = statements.iter().flat_map(|statement| statement["Action"].as_array().unwrap());
    let allowed: BTreeSet<String> = actions.map(|action| action.as_str().unwrap().to_owned()).collect();
    let called: BTreeSet<String> = called("autoscaling", "src/shell/groups/aws")
        .union(&called("cloudwatch", "src/shell/observe/cloudwatch"))
        .cloned()
        .collect();
    assert_eq!(allowed, called);
    for statement in statements {
        let is_read = |action: &str| action.contains(":Describe") || action.contains(":Get");
        let reads = statement["Action"].as_array().unwrap().iter().all(|action| is_read(action.as_str().unwrap()));
        assert!(reads || statement["Condition"].is_object(), "what changes a group is bound to those that are marked");
    }
}

/// Every operation of a service that the code of a folder calls, as AWS spells it.
fn called(service: &str, folder: &str) -> BTreeSet<String> {
    let mut called = BTreeSet::new();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap() {
        let path = entry.unwrap().path();
        let source = std::fs::read_to_string(&path).unwrap();
        let calls: Vec<&str> =
            source.split("client.").skip(1).filter_map(|rest| rest.split_once("()").map(|(call, _)| call)).collect();
        let calls: Vec<&str> =
            calls.into_iter().filter(|call| call.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')).collect();
        assert!(
            calls.is_empty() || path.ends_with("calls.rs"),
            "calls are made in calls.rs alone: {calls:?} in {}",
            path.display()
        );
        called.extend(calls.iter().map(|call| format!("{service}:{}", spelt(call))));
    }
    called
}

fn spelt(call: &str) -> String {
    let word = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    call.split('_').map(word).collect()
}
