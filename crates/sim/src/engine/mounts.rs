//! Where a path of a container is on the disk of the machine: only below a bind mount is there
//! anything real, and only there is anything ever written.

use super::Container;
use std::path::{Component, Path, PathBuf};

impl Container {
    /// Bind mounts: source on the machine, target in the container.
    pub(crate) fn binds(&self) -> Vec<(PathBuf, String)> {
        let host = &self.body["HostConfig"];
        let texts = host["Binds"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|bind| bind.as_str());
        let mut binds: Vec<(PathBuf, String)> = texts
            .filter_map(|text| {
                let mut parts = text.split(':');
                Some((PathBuf::from(parts.next()?), parts.next()?.to_owned()))
            })
            .collect();
        for mount in host["Mounts"].as_array().into_iter().flatten() {
            if mount["Type"] == "bind"
                && let (Some(source), Some(target)) =
                    (mount["Source"].as_str(), mount["Target"].as_str())
            {
                binds.push((PathBuf::from(source), target.to_owned()));
            }
        }
        binds
    }

    /// Where a path is on the machine, if it is below a bind mount.
    pub(crate) fn on_disk(&self, path: &str) -> Option<PathBuf> {
        let clean = Path::new(path)
            .components()
            .all(|part| !matches!(part, Component::ParentDir));
        let (source, rest) = self
            .binds()
            .into_iter()
            .filter(|(source, _)| *source != Path::new("/lib/modules"))
            .filter_map(|(source, target)| {
                let rest = Path::new(path).strip_prefix(&target).ok()?.to_owned();
                Some((source, rest))
            })
            .next()?;
        clean.then(|| source.join(rest))
    }
}
