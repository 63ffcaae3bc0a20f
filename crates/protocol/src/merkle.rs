//! RFC 6962 Merkle trees: hashes, the growing edge, roots, inclusion and consistency.

use sha2::{Digest as _, Sha256};

use crate::terms::Digest;

/// Hash of an entry.
pub fn leaf_hash(entry: &[u8]) -> Digest {
    let mut hash = Sha256::new();
    hash.update([0]);
    hash.update(entry);
    Digest(hash.finalize().into())
}

/// Hash of two subtrees.
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let mut hash = Sha256::new();
    hash.update([1]);
    hash.update(left.0);
    hash.update(right.0);
    Digest(hash.finalize().into())
}

/// The growing edge of a tree: the roots of its perfect subtrees, largest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Digest>,
}

impl Frontier {
    /// Takes the edge back from what [`Self::to_bytes`] gave.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (size, rest) = bytes.split_first_chunk::<8>()?;
        let size = u64::from_be_bytes(*size);
        let (peaks, odd) = rest.as_chunks::<32>();
        let peaks: Vec<_> = peaks.iter().copied().map(Digest).collect();
        (odd.is_empty() && peaks.len() as u32 == size.count_ones()).then_some(Self { size, peaks })
    }

    /// *Shape*: size as 8 bytes, then the peaks of 32 bytes each.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.size.to_be_bytes().to_vec();
        for peak in &self.peaks {
            bytes.extend_from_slice(&peak.0);
        }
        bytes
    }

    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf's hash.
    pub fn append(&mut self, leaf: Digest) {
        let mut hash = leaf;
        // Every trailing one bit of the size is a perfect subtree that the new leaf completes.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node_hash(&left, &hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// The root; of the empty tree the hash of nothing.
    pub fn root(&self) -> Digest {
        let mut peaks = self.peaks.iter().rev();
        match peaks.next() {
            None => Digest(Sha256::digest([]).into()),
            Some(last) => peaks.fold(*last, |right, left| node_hash(left, &right)),
        }
    }
}

/// The root over leaf hashes.
pub fn root(leaves: &[Digest]) -> Digest {
    let mut frontier = Frontier::default();
    for leaf in leaves {
        frontier.append(*leaf);
    }
    frontier.root()
}

/// The largest power of two below `n`, for `n` above one.
fn split(n: usize) -> usize {
    1 << (usize::BITS - 1 - (n - 1).leading_zeros())
}

/// The path from leaf `index` to the root, nearest sibling first; none outside the tree.
pub fn inclusion_proof(leaves: &[Digest], index: usize) -> Option<Vec<Digest>> {
    if index >= leaves.len() {
        return None;
    }
    let (mut leaves, mut index, mut path) = (leaves, index, Vec::new());
    while leaves.len() > 1 {
        let (left, right) = leaves.split_at(split(leaves.len()));
        if index < left.len() {
            path.push(root(right));
            leaves = left;
        } else {
            path.push(root(left));
            index -= left.len();
            leaves = right;
        }
    }
    path.reverse();
    Some(path)
}

/// The root that a leaf, its index, the tree's size and a path lead to; none where the path is no
/// path of such a tree.
///
/// *Source*: RFC 9162 section 2.1.3.2.
pub fn root_of_inclusion(leaf: Digest, index: u64, size: u64, path: &[Digest]) -> Option<Digest> {
    if index >= size {
        return None;
    }
    let (mut node, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in path {
        if last == 0 {
            return None;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

/// Proof that the tree over `leaves` continues its own first `old` leaves.
pub fn consistency_proof(leaves: &[Digest], old: usize) -> Option<Vec<Digest>> {
    if old > leaves.len() {
        return None;
    }
    if old == 0 || old == leaves.len() {
        return Some(Vec::new());
    }
    let (mut leaves, mut old, mut whole, mut proof) = (leaves, old, true, Vec::new());
    while old != leaves.len() {
        let (left, right) = leaves.split_at(split(leaves.len()));
        if old <= left.len() {
            proof.push(root(right));
            leaves = left;
        } else {
            proof.push(root(left));
            leaves = right;
            old -= left.len();
            whole = false;
        }
    }
    if !whole {
        proof.push(root(leaves));
    }
    proof.reverse();
    Some(proof)
}

/// Whether a tree of `new_size` and `new_root` continues one of `old_size` and `old_root`.
///
/// *Source*: RFC 9162 section 2.1.4.2.
pub fn is_consistent(
    (old_size, old_root): (u64, Digest),
    (new_size, new_root): (u64, Digest),
    proof: &[Digest],
) -> bool {
    if old_size > new_size {
        return false;
    }
    if old_size == new_size {
        return proof.is_empty() && old_root == new_root;
    }
    if old_size == 0 {
        return proof.is_empty();
    }
    let mut path = proof.iter();
    let first = if old_size.is_power_of_two() { Some(&old_root) } else { path.next() };
    let Some(first) = first else { return false };
    let (mut node, mut last) = (old_size - 1, new_size - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut old_hash, mut new_hash) = (*first, *first);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && old_hash == old_root && new_hash == new_root
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(count: usize) -> Vec<Digest> {
        (0..count).map(|n| leaf_hash(&n.to_be_bytes())).collect()
    }

    /// The definition of RFC 6962 section 2.1, as it stands.
    fn naive_root(leaves: &[Digest]) -> Digest {
        match leaves {
            [] => Digest(Sha256::digest([]).into()),
            [leaf] => *leaf,
            _ => {
                let mut half = 1;
                while half * 2 < leaves.len() {
                    half *= 2;
                }
                node_hash(&naive_root(&leaves[..half]), &naive_root(&leaves[half..]))
            }
        }
    }

    #[test]
    fn root_is_that_of_the_definition() {
        for count in [0, 1, 2, 3, 7, 8, 9, 255, 256, 257, 700] {
            let leaves = leaves(count);
            assert_eq!(root(&leaves), naive_root(&leaves), "{count}");
        }
    }

    /// The reference tree of certificate transparency: eight entries, the root after each.
    #[test]
    fn roots_are_those_of_certificate_transparency() {
        let known = [
            ("", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
            ("00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
            ("10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
            ("2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
            ("3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
            ("40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
            (
                "5051525354555657",
                "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            ),
            (
                "606162636465666768696a6b6c6d6e6f",
                "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
            ),
        ];
        let mut frontier = Frontier::default();
        for (entry, root) in known {
            frontier.append(leaf_hash(&hex::decode(entry).unwrap()));
            assert_eq!(hex::encode(frontier.root().0), root, "size {}", frontier.size());
        }
    }

    #[test]
    fn frontier_comes_back_from_bytes() {
        let mut frontier = Frontier::default();
        for leaf in leaves(13) {
            frontier.append(leaf);
            assert_eq!(Frontier::from_bytes(&frontier.to_bytes()).unwrap(), frontier);
        }
        assert!(Frontier::from_bytes(&frontier.to_bytes()[..40]).is_none());
    }

    #[test]
    fn every_leaf_is_included_and_no_other() {
        for count in 1..40usize {
            let leaves = leaves(count);
            for index in 0..count {
                let path = inclusion_proof(&leaves, index).unwrap();
                let found = root_of_inclusion(leaves[index], index as u64, count as u64, &path);
                assert_eq!(found, Some(root(&leaves)));
                let other =
                    root_of_inclusion(leaf_hash(b"other"), index as u64, count as u64, &path);
                assert_ne!(other, Some(root(&leaves)));
                if !path.is_empty() {
                    let short = &path[..path.len() - 1];
                    assert_ne!(
                        root_of_inclusion(leaves[index], index as u64, count as u64, short),
                        Some(root(&leaves))
                    );
                }
            }
        }
    }

    #[test]
    fn every_prefix_is_consistent_and_a_changed_one_is_not() {
        for count in 0..40usize {
            let leaves = leaves(count);
            let new = (count as u64, root(&leaves));
            for old in 0..=count {
                let proof = consistency_proof(&leaves, old).unwrap();
                assert!(is_consistent((old as u64, root(&leaves[..old])), new, &proof));
                if old > 0 {
                    let other = (old as u64, leaf_hash(b"other"));
                    assert!(!is_consistent(other, new, &proof), "{old} of {count}");
                }
            }
        }
    }
}
