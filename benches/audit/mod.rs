//! The API server's audit of what Flink writes into its config maps: when each write was answered,
//! by the server's own clock and without any watch. Switched on in the node of a bench's lab.

use crate::real::Lab;
use jiff::Timestamp;
use serde_json::Value;
use std::time::Instant;

/// Only Flink's maps, with what they held afterwards.
const POLICY: &str = r#"apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
omitManagedFields: true
rules:
  - level: RequestResponse
    namespaces: [flink]
    verbs: [create, update, patch]
    resources: [{group: "", resources: [configmaps]}]
  - level: None
"#;
/// The folder is mounted into the API server already.
const FILE: &str = "/etc/kubernetes/pki/flinklab-audit.yaml";
const MANIFEST: &str = "/etc/kubernetes/manifests/kube-apiserver.yaml";
/// Where the runtime keeps what the API server prints.
const LOG: &str = "/var/log/pods/kube-system_kube-apiserver-*/kube-apiserver/*.log";

/// An audit that is being written.
pub(crate) struct Audit(());

impl Audit {
    /// Switches it on: the API server starts again once. Waits until the lab is well afterwards.
    pub(crate) fn begin(lab: &Lab) -> Result<Self, String> {
        lab.in_node(&format!(
            "cat > {FILE} <<'END'\n{POLICY}END\n\
             sed -e 's#^    - kube-apiserver$#&\\n    - --audit-policy-file={FILE}\\n    \
             - --audit-log-path=-#' {MANIFEST} > /tmp/audited.yaml && mv /tmp/audited.yaml {MANIFEST}"
        ));
        let began = Instant::now();
        while lab
            .in_node(&format!("grep -hl audit.k8s.io {LOG}"))
            .is_empty()
        {
            if began.elapsed() > crate::real::HEALTH {
                return Err("the API server writes no audit".to_owned());
            }
            std::thread::sleep(std::time::Duration::from_secs(1));
        }
        lab.healthy()?;
        Ok(Self(()))
    }

    /// When the first write was answered after which a config map held these words.
    pub(crate) fn first_with(&self, lab: &Lab, words: &str) -> Option<Timestamp> {
        let printed = whole(&lab.in_node(&format!("cat {LOG}")));
        let told = printed.iter().filter(|line| line.contains(words));
        let stamps = told.filter_map(|line| {
            let event: Value = serde_json::from_str(line).ok()?;
            let held = event["responseObject"]["data"].to_string();
            let taken = event["responseStatus"]["code"].as_u64()? < 300;
            let stamp = event["stageTimestamp"].as_str()?;
            (taken && held.contains(words)).then(|| stamp.parse().ok())?
        });
        stamps.min()
    }
}

/// Lines of the standard output as they were printed: the runtime cuts long ones, and marks a part with P.
fn whole(lines: &str) -> Vec<String> {
    let (mut all, mut open) = (Vec::new(), String::new());
    for line in lines.lines() {
        let mut parts = line.splitn(4, ' ').skip(1);
        let (Some("stdout"), Some(mark), Some(text)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        open.push_str(text);
        if mark == "F" {
            all.push(std::mem::take(&mut open));
        }
    }
    all
}
