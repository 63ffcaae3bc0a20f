//! First inputs of each target: sound ones, from our own vector and from invented texts.

use std::{fs, path::Path, sync::LazyLock};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use protocol::{envelope::Envelope, seal};
use serde_json::{Value, json};

/// Our own vector of a statement.
pub(crate) static VECTOR: LazyLock<Vector> = LazyLock::new(|| {
    let text = include_str!("../../crates/protocol/testdata/statement-v1.json");
    Vector(serde_json::from_str(text).expect("the vector is JSON"))
});

/// The vector's parts.
pub(crate) struct Vector(Value);

impl Vector {
    pub(crate) fn text(&self, pointer: &str) -> String {
        let found = self.0.pointer(&format!("/{pointer}")).and_then(Value::as_str);
        found.expect("the vector has it").to_owned()
    }

    pub(crate) fn bytes(&self, pointer: &str) -> Vec<u8> {
        STANDARD.decode(self.text(pointer)).expect("the vector's bytes are base64")
    }

    pub(crate) fn keys(&self) -> Vec<u8> {
        self.bytes("keys/aldermoor.example~1channel/0")
    }

    pub(crate) fn checkpoint(&self) -> Vec<u8> {
        self.bytes("ledger/checkpoint")
    }

    /// Every text that the vector's sign keys signed.
    pub(crate) fn texts(&self) -> Vec<Vec<u8>> {
        let text = |note: Vec<u8>| {
            let end = note.windows(2).rposition(|pair| pair == b"\n\n").expect("a note");
            note[..end + 1].to_vec()
        };
        vec![text(self.bytes("manifest")), text(self.keys())]
    }

    fn plaintext(&self) -> Vec<u8> {
        let identity = seal::Identity::parse(&self.text("identity")).expect("sound");
        seal::open(&self.bytes("payload"), &[identity]).expect("sound")
    }

    fn envelope(&self) -> Vec<u8> {
        let part = |name| self.bytes(name).into();
        let (manifest, slip, payload) = (part("manifest"), part("slip"), part("payload"));
        Envelope { manifest, slip, payload, proof: None }.to_bytes().to_vec()
    }

    fn request(&self, op: &str) -> Vec<u8> {
        let mut request = self.0.clone();
        request["op"] = json!(op);
        request.as_object_mut().expect("an object").remove("ledger");
        request.to_string().into_bytes()
    }
}

const OBJECT: &str = r#"{"type":"indicator","spec_version":"2.1",
 "id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","created":"2031-01-01T00:00:00.000Z",
 "modified":"2031-01-01T00:00:00.12345Z","name":"Lamp \u00e9 \ud83d\ude00","confidence":50,
 "pattern":"[file:name = 'lamp']","pattern_type":"stix","valid_from":"2031-01-01T00:00:00Z",
 "object_marking_refs":["marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"],
 "granular_markings":[{"marking_ref":"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
 "selectors":["name"]}],"x_n":[1e2,-0,0.5,1E+3,null,true,false,{}]}"#;

const AGREEMENT: &str = include_str!("../seeds/agreement.md");

const COURIER_INDEX: &str = "detente/courier/v1\nfrom aldermoor.example/channel\n\
 to brevia.example/channel\ntime 2031-01-01T00:00:00.000Z\nkeys 1\nstatement \
 0707070707070707070707070707070707070707070707070707070707070707 10 20 30\n\n- a signature\n";

const PATTERNS: [&str; 4] = [
    "[file:hashes.'SHA-256' = 'ab' AND file:size >= 5] FOLLOWEDBY [domain-name:value LIKE '%.x'] WITHIN 5 SECONDS",
    "([ipv4-addr:value ISSUBSET '10.0.0.0/8'] OR [url:value MATCHES '^a']) REPEATS 3 TIMES",
    "[a:b[*].c IN (1, 2.5, h'0a', b'AA==', t'2031-01-01T00:00:00Z', true)] START t'2031-01-01T00:00:00Z' STOP t'2032-01-01T00:00:00Z'",
    "[NOT x:y NOT = 'z' OR EXISTS a:b]",
];

fn inputs(target: &str) -> Vec<Vec<u8>> {
    let vector = &*VECTOR;
    let bundle =
        format!("{{\"type\":\"bundle\",\"id\":\"bundle--1\",\"objects\":[{OBJECT},{{}}]}}");
    let text = |text: &str| vec![text.as_bytes().to_vec()];
    match target {
        "note" => vec![vector.bytes("manifest"), vector.keys(), vector.checkpoint()],
        "courier-index" => text(COURIER_INDEX),
        "manifest" => vec![vector.bytes("manifest")],
        "slip" => vec![vector.bytes("slip")],
        "envelope" => vec![vector.envelope()],
        "payload" => vec![vector.plaintext(), plain_payload()],
        "age" => vec![vector.bytes("payload")],
        "age-passphrase" => text(
            "age-encryption.org/v1\n-> scrypt rF0/NwblUHHTpgQgRpe5CQ 4\n\
             gUjEymFKMVXQEKdMMHL24oYexjE3TIC0O0zGSqJ2aUY\n\
             --- IOXiQYStkoT1mvZW2tFOqZdhRVvj58egABx/sWfZQbc\n0123456789abcdef0123456789abcdef",
        ),
        "keys" => vec![vector.keys()],
        "agreement" => text(AGREEMENT),
        "checkpoint" => vec![vector.checkpoint()],
        "statement-lines" => ["read", "keys", "item"].map(|op| vector.request(op)).to_vec(),
        "bundle" => text(&bundle),
        "object" | "tree" | "canonical" => text(OBJECT),
        "timestamp" => {
            text("2031-01-01T00:00:00Z\n2031-01-01T00:00:00.1200Z\n2030-12-31T23:59:60Z")
        }
        "pattern" => PATTERNS.map(|pattern| pattern.as_bytes().to_vec()).to_vec(),
        "stix-lines" => requests(&bundle),
        _ => Vec::new(),
    }
}

fn plain_payload() -> Vec<u8> {
    let seed = STANDARD.encode([7; 32]);
    let body = format!("seed {seed}\nheader 2\n{{}}\nitem stix 2\n{{}}\nwithheld {seed}\n");
    format!("detente/payload/v1 plain {0} {0}\n{body}\0\0", body.len()).into_bytes()
}

fn requests(bundle: &str) -> Vec<Vec<u8>> {
    let bytes = STANDARD.encode(bundle);
    let request = |op: &str| json!({ "id": 1, "op": op, "bytes": bytes, "pattern": PATTERNS[0] });
    ["validate", "head", "canonicalize", "pattern-check", "summary"]
        .map(|op| request(op).to_string().into_bytes())
        .to_vec()
}

/// Writes a target's inputs into its corpus.
pub(crate) fn write(folder: &Path, target: &str) -> std::io::Result<()> {
    let corpus = folder.join("corpus").join(target);
    fs::create_dir_all(&corpus)?;
    for (number, input) in inputs(target).iter().enumerate() {
        fs::write(corpus.join(format!("seed-{number}")), input)?;
    }
    Ok(())
}
