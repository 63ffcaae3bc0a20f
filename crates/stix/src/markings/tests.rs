use super::*;
use crate::tree::Tree;

const NOW: &str = "2031-05-04T11:00:00.000Z";
const RED: &str = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed";
const GREEN: &str = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da";

fn lamp(more: &str) -> String {
    format!(
        r#"{{"type":"x-lamp","created":"2031-05-04T10:00:00.000Z","hue":"red","hue_enc":"",
        "parts":[{{"name":"a"}},{{"name":"a"}}],"lit":false{more}}}"#
    )
}

fn marked() -> String {
    lamp(&format!(
        r#","object_marking_refs":["{RED}"],"granular_markings":[
        {{"selectors":["hue","parts"],"marking_ref":"{GREEN}"}},{{"selectors":["hue"],"lang":"en"}}]"#
    ))
}

const EXACT: Reach = Reach { inherited: false, descendants: false, marking_ref: true, lang: true };
const INHERITED: Reach = Reach { inherited: true, ..EXACT };
const DESCENDANTS: Reach = Reach { descendants: true, ..EXACT };

fn found(object: &str, selectors: Option<&[&str]>, reach: Reach) -> Result<Vec<String>, Error> {
    let tree = Tree::read(object.as_bytes()).unwrap();
    get(tree.root(), selectors, reach).map(|all| all.into_iter().map(str::to_owned).collect())
}

fn after(new: Result<String, Error>, name: &str) -> String {
    let new = new.unwrap();
    let tree = Tree::read(new.as_bytes()).unwrap();
    tree.root().get(name).map_or_else(String::new, |value| value.source().to_owned())
}

#[test]
fn markings_are_read_as_far_as_asked() {
    let object = marked();
    assert_eq!(found(&object, None, EXACT).unwrap(), [RED]);
    assert_eq!(found(&object, Some(&["hue"]), EXACT).unwrap(), ["en", GREEN]);
    let only_lang = Reach { marking_ref: false, ..EXACT };
    assert_eq!(found(&object, Some(&["hue"]), only_lang).unwrap(), ["en"]);
    assert!(found(&object, Some(&["parts.[0].name"]), EXACT).unwrap().is_empty());
    assert_eq!(found(&object, Some(&["parts.[1].name"]), INHERITED).unwrap(), [GREEN, RED]);
    assert!(
        found(&object, Some(&["hue_enc"]), Reach { inherited: true, ..EXACT }).unwrap().eq(&[RED])
    );
    let part = lamp(r#","granular_markings":[{"selectors":["parts.[0].name"],"lang":"de"}]"#);
    assert_eq!(found(&part, Some(&["parts"]), DESCENDANTS).unwrap(), ["de"]);
}

#[test]
fn selector_that_selects_nothing_is_refused() {
    for selector in ["none", "parts.[2]", "parts.[00]", "hue.a", "parts.0", "", "parts."] {
        let refused = Err(Error::Selector(selector.to_owned()));
        assert_eq!(found(&marked(), Some(&[selector]), EXACT), refused);
    }
    assert_eq!(found(&marked(), Some(&[]), EXACT), Err(Error::NoSelector));
    assert!(found(&marked(), Some(&["lit", "parts.[1].name"]), EXACT).is_ok());
}

#[test]
fn marked_means_any_on_the_object_and_all_on_parts() {
    let object = marked();
    let tree = Tree::read(object.as_bytes()).unwrap();
    let is = |named: &[&str], selectors: Option<&[&str]>, reach| {
        is_marked(tree.root(), named, selectors, reach).unwrap()
    };
    assert!(is(&[RED, GREEN], None, EXACT) && !is(&[GREEN], None, EXACT) && is(&[], None, EXACT));
    assert!(is(&[GREEN, "en"], Some(&["hue"]), EXACT));
    assert!(!is(&[GREEN, RED], Some(&["hue"]), EXACT));
    assert!(!is(&[], Some(&["lit"]), EXACT));
    assert!(is(&[GREEN], Some(&["lit"]), INHERITED));
}

#[test]
fn markings_change_on_the_whole_object() {
    let object = marked();
    let tree = Tree::read(object.as_bytes()).unwrap();
    let root = tree.root();
    let name = "object_marking_refs";
    let both = format!("[\"{GREEN}\",\"{RED}\"]");
    assert_eq!(after(add(root, &[GREEN, RED], None, NOW), name), both);
    assert_eq!(after(remove(root, &[RED], None, NOW), name), "");
    assert_eq!(remove(root, &[RED, GREEN], None, NOW), Err(Error::NotFound));
    assert_eq!(after(set(root, &[GREEN], None, EXACT, NOW), name), format!("[\"{GREEN}\"]"));
    assert_eq!(after(clear(root, None, EXACT, NOW), name), "");
}

#[test]
fn markings_change_on_parts() {
    let object = marked();
    let tree = Tree::read(object.as_bytes()).unwrap();
    let root = tree.root();
    let name = "granular_markings";
    let hue: Option<&[&str]> = Some(&["hue"]);
    let rest = format!(r#"[{{"marking_ref":"{GREEN}","selectors":["parts"]}}]"#);
    assert_eq!(after(clear(root, hue, EXACT, NOW), name), rest);
    assert_eq!(after(remove(root, &[GREEN, "en"], hue, NOW), name), rest);
    let languages = Reach { marking_ref: false, ..EXACT };
    let kept = format!(r#"[{{"marking_ref":"{GREEN}","selectors":["hue","parts"]}}]"#);
    assert_eq!(after(clear(root, hue, languages, NOW), name), kept);
    let set_red = after(set(root, &[RED], hue, EXACT, NOW), name);
    assert!(set_red.contains(RED) && !set_red.contains("lang"));
    assert!(after(add(root, &["fr"], Some(&["lit"]), NOW), name).contains(r#""lang":"fr""#));
    assert_eq!(remove(root, &["fr"], hue, NOW), Err(Error::NotFound));
    assert_eq!(clear(root, Some(&["lit"]), EXACT, NOW), Err(Error::NotFound));
}

#[test]
fn unmarked_object_stays_as_it_is() {
    let object = lamp("");
    let tree = Tree::read(object.as_bytes()).unwrap();
    let root = tree.root();
    assert_eq!(remove(root, &[RED], None, NOW).unwrap(), object);
    assert_eq!(remove(root, &[RED], Some(&["hue"]), NOW).unwrap(), object);
    assert_eq!(clear(root, None, EXACT, NOW).unwrap(), object);
    assert_eq!(clear(root, Some(&["hue"]), EXACT, NOW).unwrap(), object);
    assert!(
        after(set(root, &[RED], Some(&["hue"]), EXACT, NOW), "granular_markings").contains(RED)
    );
}

#[test]
fn markings_that_cannot_be_read_are_refused() {
    for more in [r#","granular_markings":{}"#, r#","granular_markings":[{"lang":"en"}]"#] {
        let refused = Err(Error::Malformed("granular_markings"));
        assert_eq!(found(&lamp(more), Some(&["hue"]), EXACT), refused);
    }
    let refs = lamp(r#","object_marking_refs":["a",5]"#);
    assert_eq!(found(&refs, None, EXACT), Err(Error::Malformed("object_marking_refs")));
}
