//! Objects as they are handed in, by whomever: examined against the standard, and treated as a
//! policy says. What cannot be kept is refused whatever it says.

use std::{collections::HashMap, fmt, sync::Arc};

use bytes::Bytes;
use memchr::memmem;
use protocol::{
    findings::{FindingsPolicy, Found, Treatment, Verdict},
    secrets,
};
use stix::{Examiner, Finding, Marking, Options, Tlp};
use store::{Awaiting, Contradiction, NewObject, Old, Sight};

use crate::{Failure, Service};

/// What became of one object.
pub(crate) enum Examined {
    /// It is taken; what was found stands beside it.
    Taken(NewObject),
    /// It stands apart until a person decides.
    Held(NewObject),
    /// It is not taken.
    Refused(Refused),
}

/// Why an object is not taken.
#[derive(Debug, Clone)]
pub(crate) struct Refused {
    /// The rule.
    pub(crate) rule: String,
    /// The place in the object, a JSON pointer.
    pub(crate) place: String,
    /// What is wrong with it, where nothing of it can be kept.
    pub(crate) problem: Option<String>,
    /// What was found, where the policy refuses it.
    pub(crate) found: Vec<Found>,
    /// The marking that holds, as far as it can be told.
    pub(crate) tlp: Option<Tlp>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, place, .. } = self;
        match &self.problem {
            Some(problem) => write!(f, "{rule} at `{place}`: {problem}"),
            None => write!(f, "refused by the policy for findings, {rule} at `{place}`"),
        }
    }
}

impl From<stix::Refused> for Refused {
    fn from(refused: stix::Refused) -> Self {
        Self {
            rule: refused.rule().to_owned(),
            place: refused.pointer().to_owned(),
            problem: Some(refused.problem().to_owned()),
            found: Vec::new(),
            tlp: None,
        }
    }
}

/// What marking references lead to: the definitions that travel in the same document, and those
/// that are here already.
pub(crate) struct Markings {
    own: HashMap<String, Marking>,
    here: Arc<HashMap<String, Marking>>,
}

impl Markings {
    /// Those that are here now.
    pub(crate) async fn here(service: &Service) -> Result<Self, Failure> {
        Ok(Self { own: HashMap::new(), here: service.store().markings().await? })
    }

    /// Those that are known to be here, for what is about to be kept: it can wait for others.
    pub(crate) async fn known(service: &Service) -> Result<Self, Failure> {
        Ok(Self { own: HashMap::new(), here: service.store().known_markings().await? })
    }

    /// With those of a document's own objects.
    pub(crate) fn with(mut self, slices: &[&[u8]]) -> Self {
        let finder = memmem::Finder::new(b"\"marking-definition\"");
        // Most objects only refer to a definition: their bytes never hold the word in quotes.
        for slice in slices.iter().filter(|slice| finder.find(slice).is_some()) {
            let Ok(head) = stix::Head::parse(slice) else { continue };
            if head.type_ == "marking-definition" {
                self.own.insert(head.id.into_owned(), Marking::of_definition(slice));
            }
        }
        self
    }

    fn resolve(&self, id: &str) -> Marking {
        self.own.get(id).or_else(|| self.here.get(id)).copied().unwrap_or(Marking::Unknown)
    }
}

/// Examines the objects of one document, one after another.
pub(crate) struct Examine<'e> {
    examiner: Examiner<'e>,
    markings: &'e Markings,
    policy: &'e FindingsPolicy,
}

impl<'e> Examine<'e> {
    pub(crate) fn new(
        options: &'e Options<'e>,
        markings: &'e Markings,
        policy: &'e FindingsPolicy,
    ) -> Self {
        Self { examiner: Examiner::new(options), markings, policy }
    }

    /// Examines one object and treats it as the policy says.
    pub(crate) fn object(&mut self, document: &Bytes, slice: &[u8]) -> Examined {
        let mut verdict = Verdict::default();
        let policy = self.policy;
        let object = self.keep(document, slice, &mut |finding| verdict.weigh(finding, policy));
        let mut object = match object {
            Ok(object) => object,
            Err(refused) => return Examined::Refused(refused.into()),
        };
        object.findings = verdict.found().to_vec();
        match verdict.treatment() {
            Treatment::Accept | Treatment::AcceptWithFindings => Examined::Taken(object),
            Treatment::Quarantine => Examined::Held(object),
            Treatment::Refuse => {
                let decided = verdict.decided_by();
                Examined::Refused(Refused {
                    rule: decided.map(|found| found.rule.to_string()).unwrap_or_default(),
                    place: decided.map(|found| found.place.clone()).unwrap_or_default(),
                    problem: None,
                    found: object.findings,
                    tlp: object.tlp,
                })
            }
        }
    }

    /// The row that is kept of an object, and each finding to `sink`.
    pub(crate) fn keep(
        &mut self,
        document: &Bytes,
        slice: &[u8],
        sink: stix::Sink<'_>,
    ) -> Result<NewObject, stix::Refused> {
        let markings = self.markings;
        let known = self.examiner.examine(slice, &|id| markings.resolve(id), sink)?;
        let mut named = known.markings;
        named.sort_unstable();
        named.dedup();
        let of = |kind: Marking| {
            named.iter().filter(move |id| markings.resolve(id) == kind).cloned().collect()
        };
        let (communities, awaits) = (of(Marking::Other), of(Marking::Unknown));
        let version_key = known.version.as_deref().map(stix::version_key).unwrap_or_default();
        Ok(NewObject {
            body: document.slice_ref(slice),
            digest: secrets::sha256(slice),
            marking: (known.type_ == "marking-definition").then(|| Marking::of_definition(slice)),
            id: known.id,
            type_: known.type_,
            version: known.version,
            version_key,
            spec: known.spec.as_str().to_owned(),
            tlp: known.tlp,
            communities,
            findings: Vec::new(),
            awaits,
        })
    }
}

/// What is here already, under the markings that are known now.
///
/// What was kept reads; what a later version of this program refuses stays as it was.
pub(crate) fn again(entries: Vec<Awaiting>, markings: &Markings) -> Vec<(Awaiting, NewObject)> {
    let (policy, options) = (FindingsPolicy::at_submit(), Options::default());
    let mut examine = Examine::new(&options, markings, &policy);
    let read = |entry: Awaiting| {
        let object = examine.keep(&entry.body, &entry.body, &mut |_| {}).ok()?;
        Some((entry, object))
    };
    entries.into_iter().filter_map(read).collect()
}

/// Those of some entries that would be of another class now, or wait for a marking definition.
pub(crate) fn changed(old: Vec<Old>, markings: &Markings) -> Vec<(Awaiting, NewObject)> {
    let (policy, options) = (FindingsPolicy::at_submit(), Options::default());
    let mut examine = Examine::new(&options, markings, &policy);
    let read = |old: Old| {
        let object = examine.keep(&old.entry.body, &old.entry.body, &mut |_| {}).ok()?;
        let same = object.tlp == old.tlp
            && object.communities == old.communities
            && object.awaits.is_empty();
        (!same).then_some((old.entry, object))
    };
    old.into_iter().filter_map(read).collect()
}

/// What contradicts a version of an object, as far as a reader may see it: it bears markings of its
/// own.
pub async fn contradictions(
    service: &Service,
    id: &str,
    sight: &Sight,
) -> Result<Vec<Contradiction>, Failure> {
    const SHOWN: u32 = 20;
    let mut found = service.store().contradictions(id, SHOWN).await?;
    let markings = Markings::here(service).await?;
    let (policy, options) = (FindingsPolicy::at_submit(), Options::default());
    let mut examine = Examine::new(&options, &markings, &policy);
    found.retain(|one| {
        let object = examine.keep(&one.body, &one.body, &mut |_| {});
        object.is_ok_and(|object| sight.sees_object(object.tlp, &object.communities))
    });
    Ok(found)
}

/// Everything that is wrong with an object that is here, told in full from its bytes.
pub fn explain(object: &[u8]) -> Vec<Finding> {
    let (options, mut found) = (Options::default(), Vec::new());
    let unknown = |_: &str| Marking::Unknown;
    let mut sink = |finding: &Finding| found.push(finding.clone());
    // What is here was kept, so it is not refused; were it, there would be nothing to tell.
    let _ = Examiner::new(&options).examine(object, &unknown, &mut sink);
    found
}
