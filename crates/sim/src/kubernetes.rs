//! What a node image holds, by the Kubernetes of its tag: the versions of the programs and system
//! images as they were seen in `kindest/node:v1.34.0` and `:v1.37.0`.

use flinklab_lab::{Lab, kubeadm};

/// The Kubernetes of an image without a version in its tag.
const USUAL: (&str, u32) = ("v1.37.0", 37);

/// One Kubernetes release, as a node image brings it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Release {
    /// Such as `v1.37.0`.
    pub(crate) version: String,
    /// 37 of `v1.37.0`.
    pub(crate) minor: u32,
    etcd: &'static str,
    coredns: &'static str,
    pause: &'static str,
    /// Of containerd, without a `v`.
    pub(crate) containerd: &'static str,
}

impl Release {
    /// That of a lab's nodes.
    pub(crate) fn of_lab(lab: &Lab) -> Self {
        let first = lab.cluster.nodes.first();
        Self::of(first.map_or("", |node| node.image.as_str()))
    }

    /// That of a node image's name.
    pub(crate) fn of(image: &str) -> Self {
        let name = image.split('@').next().unwrap_or_default();
        let tag = name.rsplit(':').next().unwrap_or_default();
        let (version, minor) = match kubeadm::tagged(image) {
            Some((_, minor)) => (tag, minor),
            None => USUAL,
        };
        let old = minor < 36;
        Self {
            version: version.to_owned(),
            minor,
            etcd: if old { "3.6.4-0" } else { "3.7.0-0" },
            coredns: if old { "v1.12.1" } else { "v1.14.6" },
            pause: if old { "3.10.1" } else { "3.10.2" },
            containerd: if old { "2.1.3" } else { "2.3.4" },
        }
    }

    /// The image of a part of the control plane, or of kube-proxy.
    pub(crate) fn part(&self, name: &str) -> String {
        format!("registry.k8s.io/{name}:{}", self.version)
    }

    pub(crate) fn etcd(&self) -> String {
        format!("registry.k8s.io/etcd:{}", self.etcd)
    }

    pub(crate) fn coredns(&self) -> String {
        format!("registry.k8s.io/coredns/coredns:{}", self.coredns)
    }

    /// Every image that the node image brings along.
    pub(crate) fn images(&self) -> Vec<String> {
        let parts = [
            "kube-apiserver",
            "kube-controller-manager",
            "kube-scheduler",
            "kube-proxy",
        ];
        let mut all: Vec<String> = parts.iter().map(|name| self.part(name)).collect();
        all.extend([
            self.etcd(),
            self.coredns(),
            "docker.io/kindest/kindnetd:v20250512-df8de77b".to_owned(),
            "docker.io/kindest/local-path-provisioner:v20250214-acbabc1a".to_owned(),
            format!("registry.k8s.io/pause:{}", self.pause),
        ]);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_the_one_of_the_tag() {
        assert_eq!(
            Release::of("kindest/node:v1.34.0@sha256:ab").version,
            "v1.34.0"
        );
        assert_eq!(Release::of("localhost:5000/node").version, USUAL.0);
        assert_eq!(Release::of("kindest/node:latest").version, USUAL.0);
        assert_eq!(
            Release::of("kindest/node:v1.34.0").etcd(),
            "registry.k8s.io/etcd:3.6.4-0"
        );
    }
}
