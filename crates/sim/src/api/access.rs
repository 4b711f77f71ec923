//! What may be done in the simulated cluster, as far as anybody asks: what the Roles of a namespace
//! let be done with config maps.

use super::{Store, kinds};
use serde_json::{Value, json};

/// Whether a Role of the namespace lets this be done with config maps.
pub(crate) fn may(store: &Store, namespace: &str, verb: &str) -> bool {
    let has = |rule: &Value, list: &str, word: &str| {
        rule[list]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one == word || one == "*"))
    };
    store.list(kinds::of("roles"), namespace).any(|role| {
        role["rules"].as_array().is_some_and(|rules| {
            rules
                .iter()
                .any(|rule| has(rule, "resources", "configmaps") && has(rule, "verbs", verb))
        })
    })
}

/// The answer to a SubjectAccessReview about config maps.
pub(super) fn review(store: &Store, asked: &Value) -> Value {
    let about = &asked["spec"]["resourceAttributes"];
    let namespace = about["namespace"].as_str().unwrap_or_default();
    let allowed = about["resource"] == "configmaps"
        && may(store, namespace, about["verb"].as_str().unwrap_or_default());
    let mut answer = asked.clone();
    answer["apiVersion"] = json!("authorization.k8s.io/v1");
    answer["kind"] = json!("SubjectAccessReview");
    answer["status"] = json!({"allowed": allowed});
    answer
}
