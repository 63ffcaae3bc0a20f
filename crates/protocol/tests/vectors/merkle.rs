//! Proofs of RFC 6962 that others made: facts of transparency-dev/merkle (`testdata/inclusion` and
//! `testdata/consistency`, commits 65362ac, 73a0db1 and bcba819, Apache-2.0), over the eight entries
//! of certificate transparency's reference tree. What is altered is altered here.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use protocol::{
    merkle::{
        consistency_proof, inclusion_proof, is_consistent, leaf_hash, root, root_of_inclusion,
    },
    terms::Digest,
};

/// The entries, in hexadecimal.
const ENTRIES: [&str; 8] = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
];

/// Hashes of inner nodes and leaves that the proofs are made of; `N47` is over the leaves 4 to 7.
const L0: &str = "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=";
const L1: &str = "lqKW0iTyhcZ77pPDD4owkVfw2qNdxbh+QQt4YwoJz8c=";
const L2: &str = "ApjRIpBtz8EIkstTpzmS/FufST6kybrbJ7eRtBJ6f+c=";
const L4: &str = "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=";
const L5: &str = "QnGia+DYqE8L1UyMMC58s6O10fpngKQLzOKHNHfatlg=";
const L6: &str = "sIaT7C5yFZcTBkHoIR5+7cy0wmQTlj7ubB4u0W/7Gl8=";
const N01: &str = "+sVCA+fMaWzw38tCySodnbr3CtnmIfS9jZhmLwDjwSU=";
const N23: &str = "Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=";
const N45: &str = "DrxdNDf74tsVi58Sah0RjjCBgQMdCpSfje3t68VY72o=";
const N67: &str = "yoVOoSjtBQtBs1/8G4e46yveRh6eO1WW7Oa51ZdaCuA=";
const N03: &str = "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=";
const N47: &str = "a0eq8p7jwq+a+Im8H7klTavTEXfxYjLdaqsDXKOb9uQ=";
const ROOT3: &str = "rra8/idLcKFPsGel5VeCZNsPqbUa9eC6FZFY8yngbnc=";
const ROOT5: &str = "Tju7H3tHjc/nH7YxYxUZo7yhLJrvyhYSv85ME6hiZNQ=";
const ROOT6: &str = "duZ9rbzfHhDht03cYIq9L5jfsW+851J3tSMqEn8gh+8=";
const ROOT7: &str = "3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw=";
const ROOT8: &str = "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=";

/// Leaf's index, size of the tree, leaf, path, root.
const INCLUSION: [(u64, u64, &str, &[&str], &str); 4] = [
    (0, 8, L0, &[L1, N23, N47], ROOT8),
    (5, 8, L5, &[L4, N67, N03], ROOT8),
    (2, 3, L2, &[N01], ROOT3),
    (1, 5, L1, &[L0, N23, L4], ROOT5),
];

/// Old size, new size, old root, new root, proof.
const CONSISTENCY: [(u64, u64, &str, &str, &[&str]); 4] = [
    (1, 8, L0, ROOT8, &[L1, N23, N47]),
    (6, 8, ROOT6, ROOT8, &[N45, N67, N03]),
    (2, 5, N01, ROOT5, &[N23, L4]),
    (6, 7, ROOT6, ROOT7, &[N45, L6, N03]),
];

fn hash(text: &str) -> Digest {
    Digest::from_slice(&STANDARD.decode(text).unwrap()).unwrap()
}

fn hashes(texts: &[&str]) -> Vec<Digest> {
    texts.iter().map(|text| hash(text)).collect()
}

fn leaves(size: u64) -> Vec<Digest> {
    let all = ENTRIES.iter().map(|entry| leaf_hash(&hex::decode(entry).unwrap()));
    all.take(usize::try_from(size).unwrap()).collect()
}

/// A proof with one thing wrong: cut, lengthened at either end, one bit turned, two parts swapped.
fn altered(proof: &[Digest]) -> Vec<Vec<Digest>> {
    let mut all = vec![proof[..proof.len() - 1].to_vec(), proof[1..].to_vec()];
    let other = leaf_hash(b"other");
    all.push([proof, &[other]].concat());
    all.push([&[other], proof].concat());
    for place in 0..proof.len() {
        let mut turned = proof.to_vec();
        turned[place].0[0] ^= 0x10;
        all.push(turned);
    }
    if proof.len() > 1 {
        let mut swapped = proof.to_vec();
        swapped.swap(0, 1);
        all.push(swapped);
    }
    all
}

#[test]
fn inclusion_proofs_of_transparency_dev_are_made_and_taken_and_altered_ones_are_not() {
    for (index, size, leaf, path, expected) in INCLUSION {
        let (leaf, path, expected) = (hash(leaf), hashes(path), hash(expected));
        assert_eq!(root(&leaves(size)), expected);
        let made = inclusion_proof(&leaves(size), usize::try_from(index).unwrap()).unwrap();
        assert_eq!(made, path, "leaf {index} of {size}");
        assert_eq!(root_of_inclusion(leaf, index, size, &path), Some(expected));
        for wrong in altered(&path) {
            assert_ne!(root_of_inclusion(leaf, index, size, &wrong), Some(expected));
        }
        for (index, size) in [(index + 1, size), (index, size * 2), (index ^ 2, size), (size, size)]
        {
            assert_ne!(root_of_inclusion(leaf, index, size, &path), Some(expected), "{index}");
        }
        assert_ne!(root_of_inclusion(hash(L6), index, size, &path), Some(expected));
    }
}

#[test]
fn consistency_proofs_of_transparency_dev_are_made_and_taken_and_altered_ones_are_not() {
    for (old, new, old_root, new_root, proof) in CONSISTENCY {
        let (proof, before, after) = (hashes(proof), hash(old_root), hash(new_root));
        assert_eq!((root(&leaves(old)), root(&leaves(new))), (before, after));
        let made = consistency_proof(&leaves(new), usize::try_from(old).unwrap()).unwrap();
        assert_eq!(made, proof, "from {old} to {new}");
        assert!(is_consistent((old, before), (new, after), &proof));
        for wrong in altered(&proof) {
            assert!(!is_consistent((old, before), (new, after), &wrong), "from {old} to {new}");
        }
        for (old, new) in [(old + 1, new), (old - 1, new), (old ^ 4, new), (old, new * 2)] {
            let taken = is_consistent((old, before), (new, after), &proof);
            assert!(!taken, "from {old} to {new}");
        }
        assert!(!is_consistent((old, after), (new, before), &proof), "roots swapped");
        assert!(!is_consistent((old, before), (new, after), &[]), "no proof");
        assert!(!is_consistent((old, before), (new, leaf_hash(b"other")), &proof));
    }
}
