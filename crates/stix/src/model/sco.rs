//! The 18 STIX cyber-observable objects of section 6 and the types embedded in them.

use super::{
    Entries, Family, Format, Order, Property, Shape,
    Shape::{Dictionary, Enum, Hex, Integer, Record, Text, Vocab},
    Type,
    common::{boolean, integer, natural, p, reference, text, time},
    extensions as ext, vocab,
};

const fn sco(name: &'static str, clause: &'static str, properties: &'static [Property]) -> Type {
    Type::new(name, Family::Sco, clause, properties)
}

/// The hashes of section 2.7, keys from the vocabulary as the object's own MUST says.
pub(super) const fn hashes(name: &'static str, rule: &'static str) -> Property {
    p(name, Shape::Hashes).rule(rule)
}

const fn port(name: &'static str, rule: &'static str) -> Property {
    p(name, Integer(0, 65_535)).rule(rule)
}

/// Where traffic comes from and goes to.
const ENDPOINTS: &[&str] = &["ipv4-addr", "ipv6-addr", "mac-addr", "domain-name"];

static ARTIFACT: Type = sco(
    "artifact",
    "6.1.1",
    &[
        p("mime_type", Text(Format::MediaType)),
        p("payload_bin", Shape::Binary),
        p("url", Text(Format::Url)).rule("STIX-6.1.1-03"),
        hashes("hashes", "STIX-6.1.1-06"),
        p("encryption_algorithm", Enum(&vocab::ENCRYPTION_ALGORITHM)).rule("STIX-6.1.1-07"),
        text("decryption_key"),
    ],
)
.contributing(&["hashes", "payload_bin"])
.least("STIX-6.1-01", &["payload_bin", "url"]);

static AUTONOMOUS_SYSTEM: Type =
    sco("autonomous-system", "6.2.1", &[integer("number").required(), text("name"), text("rir")])
        .contributing(&["number"]);

static DIRECTORY: Type = sco(
    "directory",
    "6.3.1",
    &[
        text("path").required(),
        p("path_enc", Text(Format::Charset)).rule("STIX-6.3.1-03"),
        time("ctime"),
        time("mtime"),
        time("atime"),
        reference("contains_refs", &["file", "directory"], "STIX-6.3.1-06").list(),
    ],
)
.contributing(&["path"]);

static DOMAIN_NAME: Type = sco(
    "domain-name",
    "6.4.1",
    &[
        p("value", Text(Format::Domain)).required().rule("STIX-6.4.1-02"),
        reference("resolves_to_refs", &["ipv4-addr", "ipv6-addr", "domain-name"], "STIX-6.4.1-04")
            .list(),
    ],
)
.contributing(&["value"]);

static EMAIL_ADDR: Type = sco(
    "email-addr",
    "6.5.1",
    &[
        p("value", Text(Format::Email)).required().rule("STIX-6.5.1-02"),
        text("display_name"),
        reference("belongs_to_ref", &["user-account"], "STIX-6.5.1-03"),
    ],
)
.contributing(&["value"]);

static EMAIL_MESSAGE: Type = sco(
    "email-message",
    "6.6.1",
    &[
        boolean("is_multipart").required(),
        time("date"),
        text("content_type"),
        reference("from_ref", &["email-addr"], "STIX-6.6.1-02"),
        reference("sender_ref", &["email-addr"], "STIX-6.6.1-03"),
        reference("to_refs", &["email-addr"], "STIX-6.6.1-04").list(),
        reference("cc_refs", &["email-addr"], "STIX-6.6.1-05").list(),
        reference("bcc_refs", &["email-addr"], "STIX-6.6.1-06").list(),
        text("message_id"),
        text("subject"),
        text("received_lines").list(),
        p("additional_header_fields", Dictionary(Entries::TextLists)).rule("STIX-6.6.1-08"),
        text("body"),
        p("body_multipart", Record(&MIME_PART)).list(),
        reference("raw_email_ref", &["artifact"], "STIX-6.6.1-11"),
    ],
)
.contributing(&["from_ref", "subject", "body"]);

static MIME_PART: Type = Type::new(
    "email-mime-part-type",
    Family::Embedded,
    "6.6.2",
    &[
        text("body"),
        reference("body_raw_ref", &["artifact", "file"], "STIX-6.6.2-04"),
        text("content_type"),
        text("content_disposition"),
    ],
)
.least("STIX-6.6.2-02", &["body", "body_raw_ref"]);

static FILE: Type = sco(
    "file",
    "6.7.1",
    &[
        hashes("hashes", "STIX-6.7.1-04"),
        natural("size").rule("STIX-6.7.1-05"),
        text("name"),
        p("name_enc", Text(Format::Charset)).rule("STIX-6.7.1-06"),
        p("magic_number_hex", Hex),
        p("mime_type", Text(Format::MediaType)),
        time("ctime"),
        time("mtime"),
        time("atime"),
        reference("parent_directory_ref", &["directory"], "STIX-6.7.1-09"),
        p("contains_refs", Shape::Reference(super::Targets::Any)).list(),
        reference("content_ref", &["artifact"], "STIX-6.7.1-10"),
    ],
)
.contributing(&["hashes", "name", "parent_directory_ref", "extensions"])
.extensions(&[&ext::ARCHIVE, &ext::NTFS, &ext::PDF, &ext::RASTER_IMAGE, &ext::WINDOWS_PEBINARY])
.least("STIX-6.7-01", &["hashes", "name"]);

static IPV4_ADDR: Type = sco(
    "ipv4-addr",
    "6.8.1",
    &[
        p("value", Text(Format::Ipv4)).required(),
        reference("resolves_to_refs", &["mac-addr"], "STIX-6.8.1-02").list(),
        reference("belongs_to_refs", &["autonomous-system"], "STIX-6.8.1-03").list(),
    ],
)
.contributing(&["value"]);

static IPV6_ADDR: Type = sco(
    "ipv6-addr",
    "6.9.1",
    &[
        p("value", Text(Format::Ipv6)).required(),
        reference("resolves_to_refs", &["mac-addr"], "STIX-6.9.1-02").list(),
        reference("belongs_to_refs", &["autonomous-system"], "STIX-6.9.1-03").list(),
    ],
)
.contributing(&["value"]);

static MAC_ADDR: Type =
    sco("mac-addr", "6.10.1", &[p("value", Text(Format::Mac)).required().rule("STIX-6.10.1-02")])
        .contributing(&["value"]);

static MUTEX: Type = sco("mutex", "6.11.1", &[text("name").required()]).contributing(&["name"]);

static NETWORK_TRAFFIC: Type = sco(
    "network-traffic",
    "6.12.1",
    &[
        time("start"),
        time("end"),
        boolean("is_active"),
        reference("src_ref", ENDPOINTS, "STIX-6.12.1-07"),
        reference("dst_ref", ENDPOINTS, "STIX-6.12.1-08"),
        port("src_port", "STIX-6.12.1-09"),
        port("dst_port", "STIX-6.12.1-10"),
        text("protocols").list().required().rule("STIX-6.12-01"),
        integer("src_byte_count"),
        integer("dst_byte_count"),
        integer("src_packets"),
        integer("dst_packets"),
        p("ipfix", Dictionary(Entries::IntegersOrText)).rule("STIX-6.12.1-13"),
        reference("src_payload_ref", &["artifact"], "STIX-6.12.1-14"),
        reference("dst_payload_ref", &["artifact"], "STIX-6.12.1-15"),
        reference("encapsulates_refs", &["network-traffic"], "STIX-6.12.1-16").list(),
        reference("encapsulated_by_ref", &["network-traffic"], "STIX-6.12.1-17"),
    ],
)
.contributing(&[
    "start",
    "end",
    "src_ref",
    "dst_ref",
    "src_port",
    "dst_port",
    "protocols",
    "extensions",
])
.extensions(&[&ext::HTTP_REQUEST, &ext::ICMP, &ext::SOCKET, &ext::TCP])
.orders(&[Order { earlier: "start", later: "end", strict: false, rule: "STIX-6.12.1-05" }])
.least("STIX-6.12-01", &["src_ref", "dst_ref"]);

static PROCESS: Type = sco(
    "process",
    "6.13.1",
    &[
        boolean("is_hidden"),
        integer("pid"),
        time("created_time"),
        text("cwd"),
        text("command_line"),
        p("environment_variables", Dictionary(Entries::Text)).rule("STIX-6.13.1-05"),
        reference("opened_connection_refs", &["network-traffic"], "STIX-6.13.1-06").list(),
        reference("creator_user_ref", &["user-account"], "STIX-6.13.1-07"),
        reference("image_ref", &["file"], "STIX-6.13.1-08"),
        reference("parent_ref", &["process"], "STIX-6.13.1-09"),
        reference("child_refs", &["process"], "STIX-6.13.1-10").list(),
    ],
)
.extensions(&[&ext::WINDOWS_PROCESS, &ext::WINDOWS_SERVICE])
.least("STIX-6.13-01", &[]);

static SOFTWARE: Type = sco(
    "software",
    "6.14.1",
    &[
        text("name").required(),
        p("cpe", Text(Format::Cpe)).rule("STIX-6.14.1-02"),
        text("swid"),
        p("languages", Text(Format::Language)).list().rule("STIX-6.14.1-03"),
        text("vendor"),
        text("version"),
    ],
)
.contributing(&["name", "cpe", "swid", "vendor", "version"]);

static URL: Type =
    sco("url", "6.15.1", &[p("value", Text(Format::Url)).required().rule("STIX-6.15.1-02")])
        .contributing(&["value"]);

static USER_ACCOUNT: Type = sco(
    "user-account",
    "6.16.1",
    &[
        text("user_id"),
        text("credential"),
        text("account_login"),
        p("account_type", Vocab(&vocab::ACCOUNT_TYPE)),
        text("display_name"),
        boolean("is_service_account"),
        boolean("is_privileged"),
        boolean("can_escalate_privs"),
        boolean("is_disabled"),
        time("account_created"),
        time("account_expires"),
        time("credential_last_changed"),
        time("account_first_login"),
        time("account_last_login"),
    ],
)
.contributing(&["account_type", "user_id", "account_login"])
.extensions(&[&ext::UNIX_ACCOUNT])
.least("STIX-6.16-01", &[]);

static WINDOWS_REGISTRY_KEY: Type = sco(
    "windows-registry-key",
    "6.17.1",
    &[
        p("key", Text(Format::RegistryKey)).rule("STIX-6.17.1-03"),
        p("values", Record(&WINDOWS_REGISTRY_VALUE)).list(),
        time("modified_time"),
        reference("creator_user_ref", &["user-account"], "STIX-6.17.1-04"),
        integer("number_of_subkeys"),
    ],
)
.contributing(&["key", "values"])
.least("STIX-6.17-01", &[]);

static WINDOWS_REGISTRY_VALUE: Type = Type::new(
    "windows-registry-value-type",
    Family::Embedded,
    "6.17.2",
    &[
        text("name"),
        text("data"),
        p("data_type", Enum(&vocab::WINDOWS_REGISTRY_DATATYPE)).rule("STIX-6.17.2-03"),
    ],
)
.least("STIX-6.17.2-01", &[]);

static X509_CERTIFICATE: Type = sco(
    "x509-certificate",
    "6.18.1",
    &[
        boolean("is_self_signed"),
        hashes("hashes", "STIX-6.18.1-02"),
        text("version"),
        text("serial_number"),
        text("signature_algorithm"),
        text("issuer"),
        time("validity_not_before"),
        time("validity_not_after"),
        text("subject"),
        text("subject_public_key_algorithm"),
        text("subject_public_key_modulus"),
        integer("subject_public_key_exponent"),
        p("x509_v3_extensions", Record(&X509_V3_EXTENSIONS)),
    ],
)
.contributing(&["hashes", "serial_number"])
.least("STIX-6.18-01", &[]);

static X509_V3_EXTENSIONS: Type = Type::new(
    "x509-v3-extensions-type",
    Family::Embedded,
    "6.18.2",
    &[
        text("basic_constraints"),
        text("name_constraints"),
        text("policy_constraints"),
        text("key_usage"),
        text("extended_key_usage"),
        text("subject_key_identifier"),
        text("authority_key_identifier"),
        text("subject_alternative_name"),
        text("issuer_alternative_name"),
        text("subject_directory_attributes"),
        text("crl_distribution_points"),
        text("inhibit_any_policy"),
        time("private_key_usage_period_not_before"),
        time("private_key_usage_period_not_after"),
        text("certificate_policies"),
        text("policy_mappings"),
    ],
)
.least("STIX-6.18.2-01", &[]);

/// The cyber-observable type of a name.
pub(super) fn type_of(name: &str) -> Option<&'static Type> {
    let found = match name {
        "artifact" => &ARTIFACT,
        "autonomous-system" => &AUTONOMOUS_SYSTEM,
        "directory" => &DIRECTORY,
        "domain-name" => &DOMAIN_NAME,
        "email-addr" => &EMAIL_ADDR,
        "email-message" => &EMAIL_MESSAGE,
        "file" => &FILE,
        "ipv4-addr" => &IPV4_ADDR,
        "ipv6-addr" => &IPV6_ADDR,
        "mac-addr" => &MAC_ADDR,
        "mutex" => &MUTEX,
        "network-traffic" => &NETWORK_TRAFFIC,
        "process" => &PROCESS,
        "software" => &SOFTWARE,
        "url" => &URL,
        "user-account" => &USER_ACCOUNT,
        "windows-registry-key" => &WINDOWS_REGISTRY_KEY,
        "x509-certificate" => &X509_CERTIFICATE,
        _ => return None,
    };
    Some(found)
}

pub(super) static TYPES: &[&Type] = &[
    &ARTIFACT,
    &AUTONOMOUS_SYSTEM,
    &DIRECTORY,
    &DOMAIN_NAME,
    &EMAIL_ADDR,
    &EMAIL_MESSAGE,
    &FILE,
    &IPV4_ADDR,
    &IPV6_ADDR,
    &MAC_ADDR,
    &MUTEX,
    &NETWORK_TRAFFIC,
    &PROCESS,
    &SOFTWARE,
    &URL,
    &USER_ACCOUNT,
    &WINDOWS_REGISTRY_KEY,
    &X509_CERTIFICATE,
];
