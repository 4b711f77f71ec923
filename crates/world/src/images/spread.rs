//! One image into several nodes: it leaves Docker once, and every node that lacks it reads along.

use super::{Export, Progress, Streamed, export, id, id_in, import};
use crate::docker::Docker;
use crate::node::Node;
use bytes::Bytes;
use flinklab_base::fault::Fault;
use futures::StreamExt;
use futures::future::try_join_all;
use futures::stream::{BoxStream, unfold};
use std::collections::BTreeMap;
use tokio::sync::mpsc::{Sender, channel};

/// Pieces that a node may lag behind the fastest one; Docker's are some tens of KiB.
const LAG: usize = 64;

/// Docker's ids of images, each with the id that the nodes gave it when they took it in.
pub type Taken = BTreeMap<String, String>;

type Piece = Result<Bytes, String>;

/// The command that brings an image from Docker into a node the same way.
#[must_use]
pub fn command(node: &str, image: &str) -> String {
    format!(
        "docker save {image} | docker exec -i {node} ctr --namespace=k8s.io images import --local \
         --digests -"
    )
}

/// Streams an image out of Docker into every node that lacks it, into all at the same time. The
/// progress is that of the slowest, but for a few pieces.
pub async fn stream_into_all(
    nodes: &[Node],
    docker: &Docker,
    image: &str,
    taken: &Taken,
    progress: impl FnMut(Progress) + Send,
) -> Result<Streamed, Fault> {
    let there = id(docker, image).await?;
    // Where Docker keeps images in containerd, its id is the manifest's and the node's is not.
    let became = there.as_ref().and_then(|there| taken.get(there));
    let known = try_join_all(nodes.iter().map(|node| id_in(node, image))).await?;
    let lacking: Vec<&Node> = nodes
        .iter()
        .zip(known)
        .filter(|(_, known)| known.is_none() || *known != there && known.as_ref() != became)
        .map(|(node, _)| node)
        .collect();
    match lacking.as_slice() {
        [] => Ok(Streamed::AlreadyThere),
        [node] => import(node, export(docker, image).await?, progress).await,
        several => into_several(several, export(docker, image).await?, progress).await,
    }
}

async fn into_several(
    nodes: &[&Node],
    export: Export,
    progress: impl FnMut(Progress) + Send,
) -> Result<Streamed, Fault> {
    let mut ends = Vec::new();
    let mut imports = Vec::new();
    for node in nodes {
        let (end, pieces) = channel::<Piece>(LAG);
        ends.push(end);
        let copy = Export {
            image: export.image.clone(),
            id: export.id.clone(),
            size: export.size,
            pieces: unfold(pieces, |mut pieces| async {
                pieces.recv().await.map(|piece| (piece, pieces))
            })
            .boxed(),
        };
        imports.push(import(node, copy, |_| {}));
    }
    let hand_out = hand_out(export.pieces, ends, export.size, progress);
    let (sent, ended) = futures::join!(hand_out, try_join_all(imports));
    ended?;
    Ok(Streamed::Bytes(sent))
}

/// Gives every piece to every end that still listens, at the pace of the slowest; how many bytes
/// there were. An end that is gone has said itself why.
async fn hand_out(
    mut pieces: BoxStream<'static, Piece>,
    mut ends: Vec<Sender<Piece>>,
    size: u64,
    mut progress: impl FnMut(Progress) + Send,
) -> u64 {
    let mut bytes = 0;
    while let Some(piece) = pieces.next().await {
        let mut listening = Vec::new();
        for end in ends {
            if end.send(piece.clone()).await.is_ok() {
                listening.push(end);
            }
        }
        ends = listening;
        if ends.is_empty() {
            break;
        }
        bytes += piece.as_ref().map_or(0, |piece| piece.len() as u64);
        progress(Progress {
            bytes,
            of: Some(size.max(bytes)),
        });
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(of: &[&'static str]) -> BoxStream<'static, Piece> {
        let pieces: Vec<Piece> = of
            .iter()
            .map(|text| Ok(Bytes::from_static(text.as_bytes())))
            .collect();
        futures::stream::iter(pieces).boxed()
    }

    #[tokio::test]
    async fn every_end_gets_every_piece_and_one_that_leaves_stops_nobody() {
        let (one, mut first) = channel::<Piece>(1);
        let (two, mut second) = channel::<Piece>(1);
        let read = async {
            let mut got: Vec<u8> = Vec::new();
            while let Some(Ok(piece)) = first.recv().await {
                got.extend_from_slice(&piece);
            }
            got
        };
        let leave = async {
            let got = second.recv().await;
            drop(second);
            got
        };
        let mut told = Vec::new();
        let (sent, got, left) = futures::join!(
            hand_out(pieces(&["ab", "cd", "e"]), vec![one, two], 4, |so_far| told
                .push(so_far)),
            read,
            leave
        );
        assert_eq!((sent, got.as_slice()), (5, b"abcde".as_slice()));
        assert_eq!(left, Some(Ok(Bytes::from_static(b"ab"))));
        let far: Vec<_> = told
            .iter()
            .map(|so_far| (so_far.bytes, so_far.of))
            .collect();
        assert_eq!(far, [(2, Some(4)), (4, Some(4)), (5, Some(5))]);
    }

    #[tokio::test]
    async fn nobody_left_ends_it() {
        let (end, listening) = channel(1);
        drop(listening);
        assert_eq!(
            hand_out(pieces(&["ab", "cd"]), vec![end], 4, |_| {}).await,
            0
        );
    }
}
