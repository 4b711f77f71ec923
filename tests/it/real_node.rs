//! One real node, from nothing to Ready with an image in it and back to nothing, on a real Docker
//! that has the images of the default lab. Only with `FLINKLAB_REAL=1`.

use flinklab_base::fault::Fault;
use flinklab_lab::Lab;
use flinklab_world::docker::Docker;
use flinklab_world::gate;
use flinklab_world::gate::Claiming;
use flinklab_world::home::{Home, Source, State};
use flinklab_world::images::{Streamed, Taken};
use flinklab_world::node;
use flinklab_world::node::{BOOT, Common};
use flinklab_world::{Addresses, bootstrap, images, network};
use k8s_openapi::api::core::v1::Node as KubeNode;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::{Api, Client, core::GroupVersionKind};
use std::time::{Duration, Instant};

const NAME: &str = "nodetest";
const CONTAINERD_PATCH: &str = "[plugins.\"io.containerd.grpc.v1.cri\".registry]\n\
                                config_path = \"/etc/containerd/certs.d\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_node_from_nothing_to_ready_and_back() {
    if std::env::var_os("FLINKLAB_REAL").is_none() {
        eprintln!("FLINKLAB_REAL is not set: nothing was done");
        return;
    }
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    let addresses = Addresses {
        docker: std::env::var("DOCKER_HOST").ok(),
        ..Addresses::new(folder.path(), folder.path().join("config.toml"))
    };
    let lab = Lab::open("default").unwrap();
    let docker = Docker::connect(&addresses).await.unwrap();
    let home = Home::of(&addresses, NAME);
    home.create().unwrap();
    let source = Source::BuiltIn("default".to_owned());
    let state = State::new(NAME, &lab, source, jiff::Timestamp::now()).unwrap();
    home.write_state(&state).unwrap();
    let mut claim = gate::claim(&docker, &home, &state).await.unwrap();
    assert!(claim.nodes().is_empty(), "a cluster {NAME} exists already");

    let built = build(&lab, &docker, &state, &mut claim).await;
    if std::env::var_os("FLINKLAB_KEEP").is_none() {
        for node in gate::claim(&docker, &home, &state).await.unwrap().nodes() {
            node.remove().await.unwrap();
            node.remove().await.unwrap();
        }
        assert!(docker.containers_of(NAME).await.unwrap().is_empty());
    } else {
        eprintln!("kept: {}", folder.keep().display());
    }
    built.unwrap();
}

/// Says how long everything between two calls took.
struct Watch(Instant, Instant);

impl Watch {
    fn lap(&mut self, what: &str) {
        let now = Instant::now();
        let (lap, all) = (now - self.1, now - self.0);
        eprintln!(
            "{:6.2} s  {:6.2} s  {what}",
            all.as_secs_f64(),
            lap.as_secs_f64()
        );
        self.1 = now;
    }
}

async fn build(
    lab: &Lab,
    docker: &Docker,
    state: &State,
    claim: &mut Claiming,
) -> Result<(), Fault> {
    let start = Instant::now();
    let mut watch = Watch(start, start);
    let mut cluster = lab.cluster.clone();
    cluster.containerd_config_patches = vec![CONTAINERD_PATCH.to_owned()];
    let cluster = &cluster;
    let image = &lab.images[0];
    let daemon = docker.daemon().await?;
    let network = network::ensure(docker).await?;
    assert_eq!(network::ensure(docker).await?, network);
    images::ensure(docker, &cluster.nodes[0].image, |_| {}).await?;
    watch.lap("network, node image");

    let shared = claim.shared().to_owned();
    let common = Common {
        name: NAME,
        shared: &shared,
        lab_id: &state.id,
        network: &network.name,
        subnets: &network.subnets,
        proxies: &[],
        daemon: &daemon,
    };
    let mut plan = node::plans(cluster, &common)?.remove(0);
    plan.choose_ports()?;
    // Docker makes the image ready while the node is made and boots.
    let exported = async {
        let export = images::export(docker, image).await?;
        eprintln!(
            "{:6.2} s            image is made ready",
            start.elapsed().as_secs_f64()
        );
        Ok::<_, Fault>(export)
    };
    let early = match std::env::var_os("FLINKLAB_LATE_EXPORT") {
        None => Some(exported),
        Some(_) => None,
    };
    let raised = async {
        let id = node::create(docker, claim, &plan).await?;
        let again = node::create(docker, claim, &plan).await;
        assert_eq!(again.unwrap_err().code, "name-taken");
        claim.admit(&id).await?;
        let node = claim.nodes()[0].clone();
        watch.lap("created");
        let files = bootstrap::files(docker, &id, cluster, &node.name).await?;
        watch.lap("files read");
        node.start().await?;
        watch.lap("started");
        bootstrap::configure(&node, cluster, &plan, &node.name, &files.version).await?;
        watch.lap("configured");
        node::wait_booted(docker, &id, BOOT).await?;
        watch.lap("booted");
        node.wait_containerd().await?;
        watch.lap("containerd answers");
        Ok::<_, Fault>((node, files))
    };
    let early = async {
        match early {
            Some(early) => early.await.map(Some),
            None => Ok(None),
        }
    };
    let ((node, files), mut early) = futures::try_join!(raised, early)?;
    let id = node.id.clone();

    let server = format!("https://{}", plan.published(node::API_PORT).unwrap());
    let since = |what: &str| eprintln!("{:6.2} s            {what}", start.elapsed().as_secs_f64());
    let init = async {
        bootstrap::init(&node, |phase| tracing::info!("{phase}")).await?;
        since("kubeadm init ended");
        Ok::<(), Fault>(())
    };
    let stream = async {
        let streamed = match early.take() {
            Some(export) => images::import(&node, export, |_| {}).await?,
            None => {
                images::stream_into_all(
                    std::slice::from_ref(&node),
                    docker,
                    image,
                    &Taken::new(),
                    |_| {},
                )
                .await?
            }
        };
        since(&format!("{image}: {streamed:?}"));
        Ok::<_, Fault>(streamed)
    };
    let addons = async {
        let kubeconfig = bootstrap::await_kubeconfig(&node, NAME, &server).await?;
        since("kubeconfig");
        let client = client(&kubeconfig).await;
        for object in files.network.iter().chain(&files.storage) {
            apply(&client, object).await;
        }
        since("pod network and storage class applied");
        Ok::<_, Fault>(client)
    };
    let ((), streamed, client) = futures::try_join!(init, stream, addons)?;
    watch.lap("all of these");
    assert!(matches!(streamed, Streamed::Bytes(_)));
    bootstrap::free_control_plane(&client, &node.name).await?;
    bootstrap::free_control_plane(&client, &node.name).await?;
    let nodes: Api<KubeNode> = Api::all(client);
    while !ready(&nodes.get(&node.name).await.unwrap()) {
        assert!(
            start.elapsed() < Duration::from_secs(300),
            "not Ready after 5 min"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    watch.lap("node Ready");
    if std::env::var_os("FLINKLAB_REAL").is_some_and(|how| how == "quick") {
        return Ok(());
    }

    let streamed = images::stream_into_all(
        std::slice::from_ref(&node),
        docker,
        image,
        &Taken::new(),
        |_| {},
    )
    .await?;
    assert_eq!(streamed, Streamed::AlreadyThere);
    watch.lap("image found there");
    let jar = images::read_file_of_image(docker, "real-node-test", image, &lab.job.jar).await?;
    assert_eq!(&jar[..2], b"PK");
    watch.lap("jar read");
    let missing = images::read_file_of_image(docker, "real-node-test", image, "/none").await;
    assert_eq!(missing.unwrap_err().code, "file-missing");
    assert!(docker.by_label("flinklab.reader=1").await?.is_empty());

    let within = Duration::from_secs(20);
    let output = node
        .exec(&["sh", "-c", "echo a; echo b >&2; exit 3"], within)
        .await?;
    assert_eq!(
        (output.code, output.stdout.as_str(), output.stderr.as_str()),
        (3, "a\n", "b\n")
    );
    let long = node.exec(&["sleep", "5"], Duration::from_millis(300)).await;
    assert_eq!(long.unwrap_err().code, "node-command");
    for path in ["/kind/x/y", "/run/x/y", "/var/lib/x"] {
        node.write_file(path, 0o600, b"text\n").await?;
        let output = node
            .exec(&["sh", "-c", "stat -c %a-%u $0; cat $0", path], within)
            .await?;
        assert_eq!(output.stdout, "600-0\ntext\n", "{path}");
    }
    let output = node.exec(&["containerd", "config", "dump"], within).await?;
    assert!(
        output.stdout.contains("/etc/containerd/certs.d"),
        "{}",
        output.stdout
    );
    assert!(output.stdout.contains("test-handler"), "{}", output.stdout);
    watch.lap("commands and files");
    node.stop().await?;
    watch.lap("stopped");
    node.start().await?;
    node::wait_booted(docker, &id, BOOT).await?;
    node.wait_containerd().await?;
    watch.lap("started again");
    Ok(())
}

async fn client(kubeconfig: &str) -> Client {
    let kubeconfig = kube::config::Kubeconfig::from_yaml(kubeconfig).unwrap();
    let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &Default::default())
        .await
        .unwrap();
    config.default_retry = false;
    Client::try_from(config).unwrap()
}

async fn apply(client: &Client, object: &serde_json::Value) {
    let object: DynamicObject = serde_json::from_value(object.clone()).unwrap();
    let types = object.types.clone().unwrap();
    let kind = GroupVersionKind::try_from(&types).unwrap();
    let until = Instant::now() + Duration::from_secs(240);
    loop {
        let tried = async {
            let (resource, _) = kube::discovery::pinned_kind(client, &kind).await?;
            let api: Api<DynamicObject> = match &object.metadata.namespace {
                Some(namespace) if kind.kind != "StorageClass" => {
                    Api::namespaced_with(client.clone(), namespace, &resource)
                }
                _ => Api::all_with(client.clone(), &resource),
            };
            let how = PatchParams::apply("flinklab");
            let mut object = object.clone();
            if kind.kind == "StorageClass" {
                object.metadata.namespace = None;
            }
            api.patch(
                object.metadata.name.as_deref().unwrap(),
                &how,
                &Patch::Apply(&object),
            )
            .await
        };
        match tried.await {
            Ok(_) => return,
            Err(error) => assert!(Instant::now() < until, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

fn ready(node: &KubeNode) -> bool {
    let conditions = node
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_ref());
    conditions
        .into_iter()
        .flatten()
        .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}
