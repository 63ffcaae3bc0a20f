use super::*;

#[test]
fn model_has_every_type_once_and_finds_it_by_name() {
    let names: Vec<&str> = types().map(|type_| type_.name).collect();
    assert_eq!(names.len(), 43);
    for type_ in types() {
        assert!(std::ptr::eq(type_of(type_.name).unwrap(), type_), "{}", type_.name);
    }
    let count = |family| types().filter(|type_| type_.family == family).count();
    assert_eq!([count(Family::Sdo), count(Family::Sro), count(Family::Sco)], [19, 2, 18]);
    assert!(type_of("lamp").is_none());
}

#[test]
fn model_lists_no_property_twice_and_every_contributing_one() {
    for type_ in types().chain(EXTENSIONS) {
        let all = || type_.properties.iter().chain(type_.common);
        for (place, property) in all().enumerate() {
            let before = all().take(place).any(|other| other.name == property.name);
            assert!(!before, "{}.{}", type_.name, property.name);
        }
        let named = type_.contributing.iter().copied();
        let ordered = type_.orders.iter().flat_map(|order| [order.earlier, order.later]);
        let least = type_.least.iter().flat_map(|least| least.of.iter().copied());
        for name in named.chain(ordered).chain(least) {
            assert!(type_.property(name).is_some(), "{}.{name}", type_.name);
        }
    }
}

#[test]
fn vocabularies_are_sorted_for_search() {
    fn visit(type_: &Type, seen: &mut usize) {
        for property in type_.properties {
            match property.shape {
                Shape::Enum(vocabulary) | Shape::Vocab(vocabulary) => {
                    assert!(vocabulary.values.is_sorted(), "{}", vocabulary.name);
                    *seen += 1;
                }
                Shape::Record(inner) => visit(inner, seen),
                _ => {}
            }
        }
    }
    let mut seen = 0;
    types().chain(EXTENSIONS).for_each(|type_| visit(type_, &mut seen));
    assert!(seen > 30);
    assert!(vocab::HASH_ALGORITHM.values.is_sorted());
    assert!(vocab::INDUSTRY_SECTOR.has("legal") && vocab::IMPLEMENTATION_LANGUAGE.has("rust"));
}

#[test]
fn relationships_follow_appendix_b() {
    assert!(is_relationship_of("course-of-action", "remediates", "vulnerability"));
    assert!(is_relationship_of("infrastructure", "consists-of", "mutex"));
    assert!(is_relationship_of("malware-analysis", "av-analysis-of", "malware"));
    assert!(is_relationship_of("tool", "uses", "infrastructure"));
    assert!(is_relationship_of("note", "related-to", "lamp"));
    assert!(!is_relationship_of("malware-analysis", "analysis-of", "malware"));
    assert!(!is_relationship_of("tool", "uses", "malware"));
    assert!(relationship_sources().any(|source| source == "identity"));
}
