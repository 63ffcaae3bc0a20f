use super::*;

fn faults(text: &[u8]) -> Vec<(&'static str, usize)> {
    let all = match Tree::read(text) {
        Ok(tree) => tree.faults().to_vec(),
        Err(faults) => faults,
    };
    all.into_iter().map(|fault| (fault.rule, fault.offset)).collect()
}

#[test]
fn tree_gives_every_value_with_its_place_and_exact_text() {
    let text = br#" {"a" : [1.50, "x\u00e9\n", null, {}], "b": true, "c": {"d": -5e1} }"#;
    let tree = Tree::read(text).unwrap();
    let root = tree.root();
    assert_eq!(root.kind(), Kind::Object);
    assert_eq!(root.len(), 3);
    let a = root.get("a").unwrap();
    assert_eq!(a.offset(), 8);
    let items: Vec<Value<'_>> = a.items().collect();
    assert_eq!(items[0].as_number(), Some("1.50"));
    assert_eq!(items[1].as_str(), Some("xé\n"));
    assert_eq!(items[1].raw(), br#""x\u00e9\n""#);
    assert_eq!(items[2].kind(), Kind::Null);
    assert_eq!((items[3].kind(), items[3].len()), (Kind::Object, 0));
    assert_eq!(root.get("b").unwrap().as_bool(), Some(true));
    assert_eq!(root.path(&["c", "d"]).unwrap().as_i64(), Some(-50));
    let keys: Vec<&str> = root.members().map(|(key, _)| key).collect();
    assert_eq!(keys, ["a", "b", "c"]);
}

#[test]
fn tree_points_at_what_holds_an_offset() {
    let text = br#"{"a":[1,{"x/y~":"here"}],"b":2}"#;
    let tree = Tree::read(text).unwrap();
    let at = text.windows(4).position(|part| part == b"here").unwrap();
    assert_eq!(tree.pointer(at), "/a/1/x~1y~0");
    assert_eq!(tree.pointer(text.len() - 2), "/b");
    assert_eq!(tree.pointer(1), "/a");
    assert_eq!(tree.pointer(0), "");
}

#[test]
fn tree_survives_what_can_be_survived_and_says_so() {
    assert_eq!(faults(br#"{"a":1,"b":2,"a":3}"#), [("JSON-2", 13)]);
    assert_eq!(faults(br#"{"a":1,"\u0061":3}"#), [("JSON-2", 7)]);
    assert_eq!(faults(br#"["\ud800"]"#), [("JSON-4", 2)]);
    assert_eq!(faults(br#"["\udc00\ud83d\ude00"]"#), [("JSON-4", 2)]);
    assert_eq!(faults(br#"["\u0000"]"#), [("JSON-7", 2)]);
    assert_eq!(faults(b"[1e400,-1E+999,1e-400]"), [("JSON-6", 1), ("JSON-6", 7)]);
    assert_eq!(faults(b"\xef\xbb\xbf[]"), [("JSON-5", 0)]);
    assert_eq!(faults("9".repeat(1_001).as_bytes()), [("LIMIT-5", 0)]);
    let pair = Tree::read(br#""\ud83d\ude00""#).unwrap();
    assert_eq!(pair.root().as_str(), Some("😀"));
}

#[test]
fn tree_ends_where_the_text_is_no_json() {
    for (text, offset) in [
        (&b"{\"a\":NaN}"[..], 5),
        (b"[Infinity]", 1),
        (b"[-Infinity]", 1),
        (b"[1,]", 3),
        (b"{\"a\":1,}", 7),
        (b"{\"a\" 1}", 5),
        (b"[1 2]", 3),
        (b"[01]", 2),
        (b"[1.]", 3),
        (b"[\"a\nb\"]", 3),
        (b"[\"\\x\"]", 2),
        (b"[\"\\u12g4\"]", 2),
        (b"[] x", 3),
        (b"{\"a\":[1", 7),
        (b"[\"a", 1),
        (b"[tru]", 1),
        (b"", 0),
        (b"\"\xff\"", 1),
    ] {
        let rule = if text.contains(&0xff) { "JSON-3" } else { "JSON-1" };
        assert_eq!(faults(text), [(rule, offset)], "{}", String::from_utf8_lossy(text));
    }
}

#[test]
fn tree_bounds_nesting_and_members() {
    assert_eq!(faults("[".repeat(100_000).as_bytes()), [("LIMIT-3", 256)]);
    let fits = format!("{}{}", "[".repeat(256), "]".repeat(256));
    assert_eq!(faults(fits.as_bytes()), []);
    let many = format!("[{}1]", "1,".repeat(100_000));
    assert_eq!(faults(many.as_bytes()).first().map(|fault| fault.0), Some("LIMIT-4"));
}

#[test]
fn tree_finds_doubled_keys_in_large_objects() {
    let keys: Vec<String> = (0..5_000).map(|n| format!("\"k{n}\":{n}")).collect();
    let text = format!("{{{},\"k4\":0,\"k4999\":0}}", keys.join(","));
    let places = faults(text.as_bytes());
    assert_eq!(places.len(), 2);
    let clean = format!("{{{}}}", keys.join(","));
    assert_eq!(faults(clean.as_bytes()), []);
}

#[test]
fn tree_compares_by_value() {
    let a = Tree::read(br#"{"a":1.0,"b":["x",{}]}"#).unwrap();
    let b = Tree::read(br#"{ "b":["\u0078",{}], "a":1 }"#).unwrap();
    let c = Tree::read(br#"{"a":1,"b":["x",[]]}"#).unwrap();
    assert!(a.root() == b.root());
    assert!(a.root() != c.root());
}

#[test]
fn arena_is_reused_and_clean() {
    let mut arena = Arena::default();
    let tree = arena.read(r#"{"a":"\n","a":1}"#).unwrap();
    assert_eq!(tree.faults().len(), 1);
    arena = tree.into_arena();
    assert!(arena.read("[").is_err());
    let tree = arena.read(r#"{"b":2}"#).unwrap();
    assert!(tree.faults().is_empty());
    assert_eq!(tree.root().get("b").unwrap().as_i64(), Some(2));
}
