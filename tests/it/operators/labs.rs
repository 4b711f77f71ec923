//! Labs of the two operators, and a server from which a lab takes the operator's definitions.

use flinklab_lab::{Lab, sum};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The manifest that is elsewhere.
pub(super) const OPERATOR: &str = "00-operator.yaml";
/// What it says: the definitions, without an operator that would need an image.
pub(super) const DEFINITIONS: &str = "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: flinkclusters.flinkoperator.k8s.io}
spec:
  group: flinkoperator.k8s.io
  names: {kind: FlinkCluster, plural: flinkclusters, singular: flinkcluster}
  scope: Namespaced
  versions:
    - {name: v1beta1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: flinkdeployments.flink.apache.org}
spec:
  group: flink.apache.org
  names: {kind: FlinkDeployment, plural: flinkdeployments, singular: flinkdeployment}
  scope: Namespaced
  versions:
    - {name: v1beta1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
";
/// Its SHA-256.
pub(super) const SUM: &str = "e95fb2f540f223c17214888071566cbc1fdaa0e37ec6c6c58f261c67aef07fb2";

#[test]
fn the_sum_is_of_the_definitions() {
    assert_eq!(sum(DEFINITIONS.as_bytes()), SUM);
}

/// The files of a lab with the manifest that is elsewhere lying in the folder.
pub(super) fn with_operator(mut files: Vec<(String, String)>) -> Vec<(String, String)> {
    if !files.iter().any(|(name, _)| name == OPERATOR) {
        files.push((OPERATOR.to_owned(), DEFINITIONS.to_owned()));
    }
    files
}

/// What is the same as in a built-in lab.
fn from(lab: &str, names: &[&str]) -> Vec<(String, String)> {
    let files = Lab::open(lab).unwrap().files.into_iter();
    files
        .filter(|(name, _)| names.contains(&name.as_str()))
        .collect()
}

/// A FlinkCluster called `beam`, whose definition comes from that address.
pub(super) fn flink_cluster(url: &str) -> Vec<(String, String)> {
    let mut files = from(
        "article",
        &["kind.yaml", "10-access.yaml", "20-storage.yaml"],
    );
    for (_, text) in &mut files {
        *text = text.replace("/flink-k8s-example", "/flink");
    }
    files.push((
        "lab.yaml".to_owned(),
        format!(
            "\
name: beam
images: [\"apache/flink:1.15.2\"]
apply:
  # From elsewhere.
  - {{file: {OPERATOR}, url: {url}, sha256: {SUM}}}
  - {{file: 10-access.yaml}}
  - {{file: 20-storage.yaml}}
  - {{file: 30-cluster.yaml, wait: {{kind: rollout, within: 3m}}}}
flink:
  namespace: default
  cluster-id: beam-id
  rest: {{port: 8081, node-port: 30081}}
  mount: /flink
  folders: {{ha: ha/beam-id, checkpoints: checkpoints, savepoints: savepoints}}
job: {{image: \"apache/flink:1.15.2\", jar: /opt/flink/examples/streaming/StateMachineExample.jar, class: org.apache.flink.streaming.examples.statemachine.StateMachineExample, parallelism: 2}}
"
        ),
    ));
    files.push((
        "30-cluster.yaml".to_owned(),
        "\
apiVersion: flinkoperator.k8s.io/v1beta1
kind: FlinkCluster
metadata: {name: beam, namespace: default}
spec:
  flinkVersion: \"1.15.2\"
  image: {name: \"apache/flink:1.15.2\", pullPolicy: IfNotPresent}
  serviceAccountName: flink-service-account
  jobManager:
    volumes: [{name: shared, persistentVolumeClaim: {claimName: flink-shared-pvc}}]
    volumeMounts: [{name: shared, mountPath: /flink}]
  taskManager:
    replicas: 2
    volumes: [{name: shared, persistentVolumeClaim: {claimName: flink-shared-pvc}}]
    volumeMounts: [{name: shared, mountPath: /flink}]
  flinkProperties:
    high-availability: org.apache.flink.kubernetes.highavailability.KubernetesHaServicesFactory
    high-availability.storageDir: file:///flink/ha
    high-availability.cluster-id: beam-id
    kubernetes.cluster-id: beam-id
    kubernetes.namespace: default
    execution.checkpointing.interval: 2 s
    state.checkpoints.dir: file:///flink/checkpoints
    state.savepoints.dir: file:///flink/savepoints
    execution.checkpointing.externalized-checkpoint-retention: RETAIN_ON_CANCELLATION
    execution.checkpointing.tolerable-failed-checkpoints: \"100\"
    web.upload.dir: /flink/uploads
    taskmanager.numberOfTaskSlots: \"3\"
---
apiVersion: v1
kind: Service
metadata: {name: flink-ui, namespace: default}
spec:
  type: NodePort
  selector: {cluster: beam, component: jobmanager}
  ports: [{name: ui, port: 8081, targetPort: 8081, nodePort: 30081}]
"
        .to_owned(),
    ));
    files
}

/// A FlinkDeployment called `session`, with its definition in the folder.
pub(super) fn flink_deployment(mode: &str) -> Vec<(String, String)> {
    let names = [
        "kind.yaml",
        "10-namespace.yaml",
        "20-access.yaml",
        "30-storage.yaml",
    ];
    let mut files = from("default", &names);
    let (jobmanagers, taskmanagers) = match mode {
        "standalone" => ("{replicas: 2}", "{replicas: 2}"),
        _ => ("{replicas: 1}", "{}"),
    };
    files.push((
        "lab.yaml".to_owned(),
        format!(
            "\
name: session
images: [\"flink:2.3.0-scala_2.12-java17\"]
apply:
  - {{file: {OPERATOR}}}
  - {{file: 10-namespace.yaml}}
  - {{file: 20-access.yaml}}
  - {{file: 30-storage.yaml}}
  - {{file: 40-session.yaml, wait: {{kind: rollout, within: 3m}}}}
flink:
  namespace: flink
  cluster-id: session
  rest: {{port: 8081, node-port: 30081}}
  mount: /flink-shared
  folders: {{ha: ha/session, checkpoints: checkpoints, savepoints: savepoints}}
job: {{image: \"flink:2.3.0-scala_2.12-java17\", jar: /opt/flink/examples/streaming/StateMachineExample.jar, class: org.apache.flink.streaming.examples.statemachine.StateMachineExample, parallelism: 2}}
"
        ),
    ));
    files.push((
        "40-session.yaml".to_owned(),
        format!(
            "\
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata: {{name: session, namespace: flink}}
spec:
  image: flink:2.3.0-scala_2.12-java17
  flinkVersion: v2_2
  mode: {mode}
  serviceAccount: flink
  jobManager: {jobmanagers}
  taskManager: {taskmanagers}
  podTemplate:
    spec:
      containers:
        - name: flink-main-container
          volumeMounts: [{{name: shared, mountPath: /flink-shared}}]
      volumes: [{{name: shared, persistentVolumeClaim: {{claimName: flink-shared}}}}]
  flinkConfiguration:
    high-availability.type: kubernetes
    high-availability.storageDir: file:///flink-shared/ha
    execution.checkpointing.interval: 2 s
    execution.checkpointing.dir: file:///flink-shared/checkpoints
    execution.checkpointing.savepoint-dir: file:///flink-shared/savepoints
    execution.checkpointing.externalized-checkpoint-retention: RETAIN_ON_CANCELLATION
    taskmanager.numberOfTaskSlots: \"1\"
    web.upload.dir: /flink-shared/uploads
    web.refresh-interval: \"500\"
---
apiVersion: v1
kind: Service
metadata: {{name: flink-ui, namespace: flink}}
spec:
  type: NodePort
  selector: {{app: session, component: jobmanager}}
  ports: [{{name: rest, port: 8081, targetPort: 8081, nodePort: 30081}}]
"
        ),
    ));
    with_operator(files)
}

/// A server that gives the definitions, and other things that servers do.
pub(super) struct Elsewhere {
    port: u16,
    over: Arc<AtomicBool>,
}

impl Elsewhere {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let over = Arc::new(AtomicBool::new(false));
        let ends = over.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(mut stream) = stream else { continue };
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let first = lines.next().and_then(Result::ok).unwrap_or_default();
                while lines
                    .next()
                    .and_then(Result::ok)
                    .is_some_and(|line| !line.is_empty())
                {}
                let _ = stream.write_all(answer(first.split(' ').nth(1).unwrap_or("/")).as_bytes());
            }
        });
        Self { port, over }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = std::net::TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn answer(path: &str) -> String {
    let whole = |text: &str| {
        let length = text.len();
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}")
    };
    let moved = |to: &str| {
        format!(
            "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
    };
    match path {
        "/operator.yaml" => whole(DEFINITIONS),
        "/other" => whole("kind: List\n"),
        "/moved" => moved("/operator.yaml"),
        "/away" => moved("http://example.org/operator.yaml"),
        "/round" => moved("/round"),
        _ => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned(),
    }
}
