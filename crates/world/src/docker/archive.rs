//! Files of a container, running or not, through Docker's archive: reading only.

use super::{Docker, LONG, failed, late, status};
use bollard::query_parameters::DownloadFromContainerOptionsBuilder;
use flinklab_base::fault::Fault;
use futures::StreamExt;
use std::io::Read;

/// The biggest file that is read out of a container: far above any manifest or job jar.
const MAX_FILE: usize = 512 * 1024 * 1024;

impl Docker {
    /// The bytes of a file in a container, running or not. None: no such file or container.
    /// Files on a tmpfs mount cannot be read this way.
    pub async fn find_file(&self, container: &str, path: &str) -> Result<Option<Vec<u8>>, Fault> {
        let mut path = path.to_owned();
        for _ in 0..MAX_LINKS {
            let archive = match self.archive(container, &path).await? {
                None => return Ok(None),
                Some(archive) => archive,
            };
            match first_entry(&archive).map_err(|error| {
                Fault::unable(
                    "docker-failed",
                    format!("Docker's archive of {path} cannot be read."),
                )
                .why(error)
            })? {
                Entry::File(bytes) => return Ok(Some(bytes)),
                Entry::Link(to) => path = joined(&path, &to),
                Entry::Other => return Ok(None),
            }
        }
        Ok(None)
    }

    /// The bytes of a file that must be there.
    pub async fn read_file(&self, container: &str, path: &str) -> Result<Vec<u8>, Fault> {
        self.find_file(container, path).await?.ok_or_else(|| {
            Fault::unable(
                "file-missing",
                format!("There is no file {path} in {container}."),
            )
        })
    }

    async fn archive(&self, container: &str, path: &str) -> Result<Option<Vec<u8>>, Fault> {
        let doing = format!("Reading {path}");
        let options = DownloadFromContainerOptionsBuilder::new()
            .path(path)
            .build();
        let mut pieces = Box::pin(self.usual.download_from_container(container, Some(options)));
        let reading = async {
            let mut all = Vec::new();
            while let Some(piece) = pieces.next().await {
                match piece {
                    Ok(piece) => all.extend_from_slice(&piece),
                    Err(error) if status(&error) == Some(404) => return Ok(None),
                    Err(error) => return Err(failed(&doing, &error)),
                }
                if all.len() > MAX_FILE {
                    return Err(Fault::unable("file-too-big", format!("{path} is too big.")));
                }
            }
            Ok(Some(all))
        };
        tokio::time::timeout(LONG, reading)
            .await
            .map_err(|_| late(&doing, LONG))?
    }
}

/// How many symbolic links are followed.
const MAX_LINKS: usize = 8;

enum Entry {
    File(Vec<u8>),
    Link(String),
    Other,
}

fn first_entry(archive: &[u8]) -> std::io::Result<Entry> {
    let mut archive = tar::Archive::new(archive);
    let Some(entry) = archive.entries()?.next() else {
        return Ok(Entry::Other);
    };
    let mut entry = entry?;
    let kind = entry.header().entry_type();
    if kind.is_file() {
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        return Ok(Entry::File(bytes));
    }
    match entry.link_name()? {
        Some(to) if kind.is_symlink() => Ok(Entry::Link(to.to_string_lossy().into_owned())),
        _ => Ok(Entry::Other),
    }
}

/// Where a symbolic link at `path` points, as a path in the container.
fn joined(path: &str, to: &str) -> String {
    if to.starts_with('/') {
        return to.to_owned();
    }
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    parts.pop();
    for part in to.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_inside_the_container() {
        assert_eq!(
            joined("/opt/flink/lib/a.jar", "b.jar"),
            "/opt/flink/lib/b.jar"
        );
        assert_eq!(
            joined("/opt/flink/lib/a.jar", "../b.jar"),
            "/opt/flink/b.jar"
        );
        assert_eq!(joined("/opt/a", "/usr/b"), "/usr/b");
        assert_eq!(joined("/a", "../../../b"), "/b");
    }
}
