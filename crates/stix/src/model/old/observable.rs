//! The observable objects and granular markings of STIX 2.0, as what sets them apart from 2.1.
//!
//! *Source*: STIX 2.0 parts 1 and 4.

use crate::model::{
    Family, Property,
    Shape::Enum,
    Type, Vocabulary,
    common::{boolean, reference, text, time},
};

/// `protocol_family` of the socket extension.
static PROTOCOL_FAMILY: Vocabulary = Vocabulary {
    name: "network-socket-protocol-family-enum",
    clause: "STIX 2.0 part 4",
    check: 0,
    values: &[
        "PF_APPLETALK",
        "PF_ASH",
        "PF_ATMPVC",
        "PF_ATMSVC",
        "PF_AX25",
        "PF_BLUETOOTH",
        "PF_BRIDGE",
        "PF_DECNET",
        "PF_ECONET",
        "PF_INET",
        "PF_INET6",
        "PF_IPX",
        "PF_IRDA",
        "PF_KEY",
        "PF_NETBEUI",
        "PF_NETLINK",
        "PF_NETROM",
        "PF_PACKET",
        "PF_PPPOX",
        "PF_ROSE",
        "PF_ROUTE",
        "PF_SECURITY",
        "PF_SNA",
        "PF_WANPIPE",
        "PF_X25",
    ],
};

/// What 2.0 has of a type beside, or instead of, what 2.1 has.
#[derive(Debug)]
pub(crate) struct Delta {
    type_: &'static str,
    only_20: &'static [Property],
    only_21: &'static [&'static str],
    required: &'static [&'static str],
}

impl Delta {
    /// What sets a type of 2.0 apart from the one of 2.1, if anything does.
    pub(crate) fn of(known: &Type) -> Option<&'static Self> {
        DELTAS.iter().find(|delta| delta.type_ == known.name)
    }

    /// The property of a name that only 2.0 has.
    pub(crate) fn only_20(&self, name: &str) -> Option<&'static Property> {
        self.only_20.iter().find(|property| property.name == name)
    }

    /// Whether only 2.1 has a property of this name.
    pub(crate) fn is_only_21(&self, name: &str) -> bool {
        self.only_21.contains(&name)
    }

    /// Properties that 2.0 requires where 2.1 does not.
    pub(crate) fn required(&self) -> &'static [&'static str] {
        self.required
    }
}

static DELTAS: &[Delta] = &[
    Delta {
        type_: "artifact",
        only_20: &[],
        only_21: &["encryption_algorithm", "decryption_key"],
        required: &[],
    },
    Delta {
        type_: "directory",
        only_20: &[time("created"), time("modified"), time("accessed")],
        only_21: &["ctime", "mtime", "atime"],
        required: &[],
    },
    Delta { type_: "email-message", only_20: &[], only_21: &["message_id"], required: &[] },
    Delta {
        type_: "file",
        only_20: &[
            time("created"),
            time("modified"),
            time("accessed"),
            boolean("is_encrypted"),
            text("encryption_algorithm"),
            text("decryption_key"),
        ],
        only_21: &["ctime", "mtime", "atime"],
        required: &[],
    },
    Delta {
        type_: "network-traffic",
        only_20: &[reference("encapsulates_by_ref", &["network-traffic"], "")],
        only_21: &["encapsulated_by_ref"],
        required: &[],
    },
    Delta {
        type_: "process",
        only_20: &[
            text("name"),
            time("created"),
            text("arguments").list(),
            reference("binary_ref", &["file"], ""),
        ],
        only_21: &["created_time", "image_ref"],
        required: &[],
    },
    Delta { type_: "software", only_20: &[], only_21: &["swid"], required: &[] },
    Delta {
        type_: "user-account",
        only_20: &[time("password_last_changed")],
        only_21: &["credential", "credential_last_changed"],
        required: &["user_id"],
    },
    Delta {
        type_: "windows-registry-key",
        only_20: &[time("modified")],
        only_21: &["modified_time"],
        required: &["key"],
    },
    Delta { type_: "windows-registry-value-type", only_20: &[], only_21: &[], required: &["name"] },
    Delta {
        type_: "granular-marking",
        only_20: &[],
        only_21: &["lang"],
        required: &["marking_ref"],
    },
    Delta { type_: "archive-ext", only_20: &[text("version")], only_21: &[], required: &[] },
    Delta {
        type_: "raster-image-ext",
        only_20: &[text("image_compression_algorithm")],
        only_21: &[],
        required: &[],
    },
    Delta {
        type_: "socket-ext",
        only_20: &[
            Property::new("protocol_family", Enum(&PROTOCOL_FAMILY)).rule("STIX20-4-2.12.4-01")
        ],
        only_21: &[],
        required: &[],
    },
    Delta {
        type_: "windows-process-ext",
        only_20: &[],
        only_21: &["integrity_level"],
        required: &[],
    },
    Delta { type_: "windows-service-ext", only_20: &[], only_21: &[], required: &["service_name"] },
];

/// The property of a type of 2.0 that is described by its table of 2.1: an observable object, what
/// lies in one, or an extension.
pub(crate) fn property(known: &'static Type, name: &str) -> Option<&'static Property> {
    if let Some(delta) = Delta::of(known) {
        if delta.is_only_21(name) {
            return None;
        }
        if let Some(property) = delta.only_20(name) {
            return Some(property);
        }
    }
    // An observable of 2.0 has no properties in common with other objects.
    if known.family == Family::Sco && !matches!(name, "type" | "extensions") {
        return known.properties.iter().find(|property| property.name == name);
    }
    known.property(name)
}
