//! A simulated lab for tests, built by hand with real bollard and kube clients: what a test of the
//! simulation needs, without the program that it is made for.

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecResults};
use bollard::models::{ContainerCreateBody, HostConfig, PortBinding};
use bollard::query_parameters::CreateContainerOptionsBuilder;
use flinklab_lab::Lab;
use flinklab_sim::{Options, Sim};
use futures::StreamExt;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::Value;
use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

pub(crate) const NODE: &str = "sim-control-plane";
/// Nothing here takes as long, however slow the machine is.
const PATIENCE: Duration = Duration::from_secs(30);

/// A simulation with what talks to it.
pub(crate) struct Machine {
    pub(crate) sim: Sim,
    pub(crate) docker: Docker,
    pub(crate) lab: Lab,
    /// Where the node's shared path is.
    pub(crate) shared: tempfile::TempDir,
}

pub(crate) struct Ran {
    pub(crate) code: i64,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Machine {
    pub(crate) async fn start(speed: f64) -> Self {
        let lab = Lab::open("default").unwrap();
        let sim = Sim::start(Options {
            speed,
            ..Options::new(lab.clone())
        })
        .await
        .unwrap();
        let docker =
            Docker::connect_with_http(&sim.docker_host(), 20, bollard::API_DEFAULT_VERSION);
        Self {
            docker: docker.unwrap(),
            sim,
            lab,
            shared: tempfile::tempdir().unwrap(),
        }
    }

    /// A node container that runs.
    pub(crate) async fn node(&self) -> String {
        let free = |inside: &str| {
            let binding = PortBinding {
                host_ip: Some("127.0.0.1".to_owned()),
                host_port: Some("0".to_owned()),
            };
            (inside.to_owned(), Some(vec![binding]))
        };
        let label = |name: &str, value: &str| (format!("io.x-k8s.kind.{name}"), value.to_owned());
        let body = ContainerCreateBody {
            image: Some("kindest/node:v1.37.0".to_owned()),
            tty: Some(true),
            labels: Some(HashMap::from([
                label("cluster", "sim"),
                label("role", "control-plane"),
            ])),
            host_config: Some(HostConfig {
                binds: Some(vec![format!(
                    "{}:/flink-shared",
                    self.shared.path().display()
                )]),
                port_bindings: Some(HashMap::from([free("6443/tcp"), free("30081/tcp")])),
                network_mode: Some("kind".to_owned()),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        };
        let options = CreateContainerOptionsBuilder::new().name(NODE).build();
        let made = self
            .docker
            .create_container(Some(options), body)
            .await
            .unwrap();
        self.docker.start_container(&made.id, None).await.unwrap();
        made.id
    }

    /// Names of Docker's networks.
    pub(crate) async fn networks(&self) -> Vec<String> {
        let all = self.docker.list_networks(None).await.unwrap();
        all.into_iter().filter_map(|network| network.name).collect()
    }

    pub(crate) async fn port(&self, inside: &str) -> String {
        let found = self.docker.inspect_container(NODE, None).await.unwrap();
        let ports = found.network_settings.unwrap().ports.unwrap();
        ports[inside].as_ref().unwrap()[0]
            .host_port
            .clone()
            .unwrap()
    }

    pub(crate) async fn exec(&self, argv: &[&str]) -> Ran {
        self.exec_with(argv, None).await
    }

    pub(crate) async fn exec_with(&self, argv: &[&str], input: Option<Vec<u8>>) -> Ran {
        let options = CreateExecOptions {
            cmd: Some(argv.to_vec()),
            attach_stdin: Some(input.is_some()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..CreateExecOptions::default()
        };
        let id = self.docker.create_exec(NODE, options).await.unwrap().id;
        let started = self.docker.start_exec(&id, None).await.unwrap();
        let StartExecResults::Attached {
            mut output,
            input: mut stdin,
        } = started
        else {
            panic!("attached")
        };
        let (mut out, mut err) = (String::new(), String::new());
        let write = async {
            if let Some(bytes) = input {
                stdin.write_all(&bytes).await.unwrap();
                stdin.shutdown().await.unwrap();
            }
        };
        let read = async {
            while let Some(Ok(piece)) = output.next().await {
                match piece {
                    LogOutput::StdErr { message } => {
                        err.push_str(&String::from_utf8_lossy(&message))
                    }
                    other => out.push_str(&String::from_utf8_lossy(other.as_ref())),
                }
            }
        };
        futures::join!(write, read);
        let code = self
            .docker
            .inspect_exec(&id)
            .await
            .unwrap()
            .exit_code
            .unwrap();
        Ran { code, out, err }
    }

    /// From a container to a cluster that answers.
    pub(crate) async fn cluster(&self) -> kube::Client {
        self.node().await;
        self.exec_with(
            &["cp", "/dev/stdin", "/kind/kubeadm.conf"],
            Some(b"{}".to_vec()),
        )
        .await;
        let init = self
            .exec(&["kubeadm", "init", "--config=/kind/kubeadm.conf"])
            .await;
        assert_eq!(init.code, 0, "{}{}", init.out, init.err);
        self.client().await
    }

    pub(crate) async fn client(&self) -> kube::Client {
        let admin = self.exec(&["cat", "/etc/kubernetes/admin.conf"]).await.out;
        let server = format!("http://127.0.0.1:{}", self.port("6443/tcp").await);
        let text = admin.replace("http://sim-control-plane:6443", &server);
        let kubeconfig = Kubeconfig::from_yaml(&text).unwrap();
        let options = KubeConfigOptions::default();
        let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &options)
            .await
            .unwrap();
        config.default_retry = false;
        kube::Client::try_from(config).unwrap()
    }

    /// The lab's image in the node.
    pub(crate) async fn load(&self) {
        let pieces = self.docker.export_image(&self.lab.images[0]);
        let tar = pieces.fold(Vec::new(), |mut all, piece| async move {
            all.extend(piece.unwrap());
            all
        });
        let argv = [
            "ctr",
            "--namespace=k8s.io",
            "images",
            "import",
            "--local",
            "--digests",
            "-",
        ];
        let done = self.exec_with(&argv, Some(tar.await)).await;
        assert_eq!(done.code, 0, "{}", done.err);
    }

    /// Applies every manifest of the lab.
    pub(crate) async fn apply(&self, client: &kube::Client) {
        let discovery = kube::Discovery::new(client.clone()).run().await.unwrap();
        for manifest in &self.lab.manifests {
            for document in &manifest.documents {
                let object: DynamicObject =
                    serde_json::from_value(document.object.clone()).unwrap();
                let (resource, _) = discovery.resolve_object(&object).unwrap();
                let namespace = object.metadata.namespace.clone();
                let api: kube::Api<DynamicObject> = match &namespace {
                    Some(namespace) => {
                        kube::Api::namespaced_with(client.clone(), namespace, &resource)
                    }
                    None => kube::Api::all_with(client.clone(), &resource),
                };
                let how = PatchParams::apply("flinklab").force();
                let name = object.metadata.name.clone().unwrap();
                api.patch(&name, &how, &Patch::Apply(&object))
                    .await
                    .unwrap();
            }
        }
    }

    /// What each JobManager says to the wish to run a jar.
    pub(crate) async fn run_by_each(
        &self,
        client: &kube::Client,
        jar: &str,
        wish: &str,
    ) -> Vec<(u16, String)> {
        let pods: kube::Api<k8s_openapi::api::core::v1::Pod> =
            kube::Api::namespaced(client.clone(), "flink");
        let only = kube::api::ListParams::default().labels("component=jobmanager");
        let port = self.port("6443/tcp").await;
        let mut answers = Vec::new();
        for pod in pods.list(&only).await.unwrap() {
            let path = format!(
                "/api/v1/namespaces/flink/pods/{}:8081/proxy/jars/{jar}/run",
                pod.metadata.name.unwrap()
            );
            answers.push(http(&port, "POST", &path, wish.as_bytes()).await);
        }
        answers
    }

    /// A lab whose job runs: the client and the job's id.
    pub(crate) async fn running(&self) -> (kube::Client, String) {
        let client = self.cluster().await;
        let (cni, job) = (
            self.manifest("/kind/manifests/default-cni.yaml").await,
            "0123456789abcdef0123456789abcdef",
        );
        drop(cni);
        self.load().await;
        self.apply(&client).await;
        eventually("a leader and its TaskManagers", || async {
            self.rest("GET", "/overview", &[]).await.1["slots-total"] == 4
        })
        .await;
        let jar = self.uploaded().await;
        let wish = serde_json::json!({"jobId": job, "parallelism": 2}).to_string();
        let answers = self.run_by_each(&client, &jar, &wish).await;
        let taken = answers
            .iter()
            .filter(|(code, text)| *code == 200 && text.contains(job));
        assert_eq!(taken.count(), 1, "{answers:?}");
        eventually("a checkpoint", || async {
            self.rest("GET", &format!("/jobs/{job}/checkpoints"), &[])
                .await
                .1["latest"]["completed"]["id"]
                .is_u64()
        })
        .await;
        (client, job.to_owned())
    }

    /// Uploads something that is called a jar; the id by which Flink runs it.
    pub(crate) async fn uploaded(&self) -> String {
        let form = "--x\r\nContent-Disposition: form-data; name=\"jarfile\"; filename=\"job.jar\"\r\n\r\nPK\r\n--x--\r\n";
        let (code, said) = self.rest("POST", "/jars/upload", form.as_bytes()).await;
        assert_eq!(code, 200, "{said}");
        let path = said["filename"].as_str().unwrap();
        path.rsplit('/').next().unwrap().to_owned()
    }

    pub(crate) async fn manifest(&self, path: &str) -> String {
        self.exec(&["cat", path]).await.out
    }

    /// Flink's REST by the NodePort.
    pub(crate) async fn rest(&self, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
        let port = self.port("30081/tcp").await;
        let (code, text) = http(&port, method, path, body).await;
        (code, serde_json::from_str(&text).unwrap_or_default())
    }
}

/// A plain HTTP request to loopback. Code 0: the connection was cut.
pub(crate) async fn http(port: &str, method: &str, path: &str, body: &[u8]) -> (u16, String) {
    use http_body_util::{BodyExt, Full};
    use hyper_util::client::legacy::Client;
    let client = Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
    let request = http::Request::builder()
        .method(method)
        .uri(format!("http://127.0.0.1:{port}{path}"))
        .body(Full::new(bytes::Bytes::copy_from_slice(body)))
        .unwrap();
    match client.request(request).await {
        Ok(answer) => {
            let code = answer.status().as_u16();
            let bytes = answer.into_body().collect().await.map(|all| all.to_bytes());
            (
                code,
                String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned(),
            )
        }
        Err(_) => (0, String::new()),
    }
}

/// Waits for a condition.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, is: impl Fn() -> F) {
    let wait = async {
        while !is().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(
        tokio::time::timeout(PATIENCE, wait).await.is_ok(),
        "not seen in time: {what}"
    );
}
