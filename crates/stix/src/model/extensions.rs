//! The 12 predefined extensions of section 6, and the published extension definitions by id.

use super::{
    Entries, Family, Precision, Property,
    Shape::{Dictionary, Enum, Float, Hex, Record, Timestamp, Vocab},
    Type,
    common::{boolean, integer, natural, p, reference, text},
    sco::hashes,
    vocab,
};

const fn ext(name: &'static str, clause: &'static str, properties: &'static [Property]) -> Type {
    Type::new(name, Family::Extension, clause, properties)
}

pub(super) static ARCHIVE: Type = ext(
    "archive-ext",
    "6.7.2",
    &[
        reference("contains_refs", &["file", "directory"], "STIX-6.7.2-03").list().required(),
        text("comment"),
    ],
);

pub(super) static NTFS: Type = ext(
    "ntfs-ext",
    "6.7.3",
    &[text("sid"), p("alternate_data_streams", Record(&ALTERNATE_DATA_STREAM)).list()],
)
.least("STIX-6.7.3-02", &[]);

static ALTERNATE_DATA_STREAM: Type = Type::new(
    "alternate-data-stream-type",
    Family::Embedded,
    "6.7.3",
    &[
        text("name").required(),
        hashes("hashes", "STIX-6.7.3-03"),
        natural("size").rule("STIX-6.7.3-04"),
    ],
);

pub(super) static PDF: Type = ext(
    "pdf-ext",
    "6.7.4",
    &[
        text("version"),
        boolean("is_optimized"),
        p("document_info_dict", Dictionary(Entries::Text)).rule("STIX-6.7.4-03"),
        text("pdfid0"),
        text("pdfid1"),
    ],
)
.least("STIX-6.7.4-02", &[]);

pub(super) static RASTER_IMAGE: Type = ext(
    "raster-image-ext",
    "6.7.5",
    &[
        integer("image_height"),
        integer("image_width"),
        integer("bits_per_pixel"),
        p("exif_tags", Dictionary(Entries::IntegersOrText)).rule("STIX-6.7.5-04"),
    ],
)
.least("STIX-6.7.5-02", &[]);

pub(super) static WINDOWS_PEBINARY: Type = ext(
    "windows-pebinary-ext",
    "6.7.6",
    &[
        p("pe_type", Vocab(&vocab::WINDOWS_PEBINARY_TYPE)).required(),
        text("imphash"),
        p("machine_hex", Hex),
        integer("number_of_sections"),
        p("time_date_stamp", Timestamp(Precision::Seconds)).rule("STIX-6.7.6-03"),
        p("pointer_to_symbol_table_hex", Hex),
        integer("number_of_symbols"),
        natural("size_of_optional_header").rule("STIX-6.7.6-04"),
        p("characteristics_hex", Hex),
        hashes("file_header_hashes", "STIX-6.7.6-05"),
        p("optional_header", Record(&PE_OPTIONAL_HEADER)),
        p("sections", Record(&PE_SECTION)).list(),
    ],
)
.least("STIX-6.7.6-02", &[]);

static PE_OPTIONAL_HEADER: Type = Type::new(
    "windows-pe-optional-header-type",
    Family::Embedded,
    "6.7.6",
    &[
        p("magic_hex", Hex),
        integer("major_linker_version"),
        integer("minor_linker_version"),
        natural("size_of_code").rule("STIX-6.7.6-08"),
        natural("size_of_initialized_data").rule("STIX-6.7.6-09"),
        natural("size_of_uninitialized_data").rule("STIX-6.7.6-10"),
        integer("address_of_entry_point"),
        integer("base_of_code"),
        integer("base_of_data"),
        integer("image_base"),
        integer("section_alignment"),
        integer("file_alignment"),
        integer("major_os_version"),
        integer("minor_os_version"),
        integer("major_image_version"),
        integer("minor_image_version"),
        integer("major_subsystem_version"),
        integer("minor_subsystem_version"),
        p("win32_version_value_hex", Hex),
        natural("size_of_image").rule("STIX-6.7.6-11"),
        natural("size_of_headers").rule("STIX-6.7.6-12"),
        p("checksum_hex", Hex),
        p("subsystem_hex", Hex),
        p("dll_characteristics_hex", Hex),
        natural("size_of_stack_reserve").rule("STIX-6.7.6-13"),
        natural("size_of_stack_commit").rule("STIX-6.7.6-14"),
        natural("size_of_heap_reserve").rule("STIX-6.7.6-15"),
        natural("size_of_heap_commit").rule("STIX-6.7.6-16"),
        p("loader_flags_hex", Hex),
        integer("number_of_rva_and_sizes"),
        hashes("hashes", "STIX-6.7.6-17"),
    ],
)
.least("STIX-6.7.6-07", &[]);

static PE_SECTION: Type = Type::new(
    "windows-pe-section-type",
    Family::Embedded,
    "6.7.6",
    &[
        text("name").required(),
        natural("size").rule("STIX-6.7.6-18"),
        p("entropy", Float(f64::MIN, f64::MAX)),
        hashes("hashes", "STIX-6.7.6-19"),
    ],
);

pub(super) static HTTP_REQUEST: Type = ext(
    "http-request-ext",
    "6.12.2",
    &[
        text("request_method").required(),
        text("request_value").required(),
        text("request_version"),
        p("request_header", Dictionary(Entries::TextLists)).rule("STIX-6.12.2-03"),
        integer("message_body_length"),
        reference("message_body_data_ref", &["artifact"], "STIX-6.12.2-04"),
    ],
);

pub(super) static ICMP: Type = ext(
    "icmp-ext",
    "6.12.3",
    &[p("icmp_type_hex", Hex).required(), p("icmp_code_hex", Hex).required()],
);

pub(super) static SOCKET: Type = ext(
    "socket-ext",
    "6.12.4",
    &[
        p("address_family", Enum(&vocab::NETWORK_SOCKET_ADDRESS_FAMILY))
            .required()
            .rule("STIX-6.12.4-02"),
        boolean("is_blocking"),
        boolean("is_listening"),
        p("options", Dictionary(Entries::Integers)).rule("STIX-6.12.4-04"),
        p("socket_type", Enum(&vocab::NETWORK_SOCKET_TYPE)).rule("STIX-6.12.4-05"),
        natural("socket_descriptor"),
        integer("socket_handle"),
    ],
);

pub(super) static TCP: Type =
    ext("tcp-ext", "6.12.5", &[p("src_flags_hex", Hex), p("dst_flags_hex", Hex)])
        .least("STIX-6.12.5-02", &[]);

pub(super) static WINDOWS_PROCESS: Type = ext(
    "windows-process-ext",
    "6.13.2",
    &[
        boolean("aslr_enabled"),
        boolean("dep_enabled"),
        text("priority"),
        text("owner_sid"),
        text("window_title"),
        // Errata 01 spells it so, the standard itself as above.
        text("windows_title"),
        p("startup_info", Dictionary(Entries::Any)),
        p("integrity_level", Enum(&vocab::WINDOWS_INTEGRITY_LEVEL)).rule("STIX-6.13.2-05"),
    ],
)
.least("STIX-6.13.2-02", &[]);

pub(super) static WINDOWS_SERVICE: Type = ext(
    "windows-service-ext",
    "6.13.3",
    &[
        text("service_name"),
        text("descriptions").list(),
        text("display_name"),
        text("group_name"),
        p("start_type", Enum(&vocab::WINDOWS_SERVICE_START_TYPE)).rule("STIX-6.13.3-03"),
        reference("service_dll_refs", &["file"], "STIX-6.13.3-04").list(),
        p("service_type", Enum(&vocab::WINDOWS_SERVICE_TYPE)).rule("STIX-6.13.3-05"),
        p("service_status", Enum(&vocab::WINDOWS_SERVICE_STATUS)).rule("STIX-6.13.3-06"),
    ],
)
.least("STIX-6.13.3-02", &[]);

pub(super) static UNIX_ACCOUNT: Type = ext(
    "unix-account-ext",
    "6.16.2",
    &[integer("gid"), text("groups").list(), text("home_dir"), text("shell")],
)
.least("STIX-6.16.2-02", &[]);

/// The 12 predefined extensions.
pub static EXTENSIONS: [&Type; 12] = [
    &ARCHIVE,
    &NTFS,
    &PDF,
    &RASTER_IMAGE,
    &WINDOWS_PEBINARY,
    &HTTP_REQUEST,
    &ICMP,
    &SOCKET,
    &TCP,
    &WINDOWS_PROCESS,
    &WINDOWS_SERVICE,
    &UNIX_ACCOUNT,
];

/// What a published extension definition is, by the UUID of its id.
///
/// *Source*: github oasis-open/cti-stix-common-objects, `objects/extension-definition`.
pub fn published_extension(id: &str) -> Option<&'static str> {
    let uuid = id.strip_prefix("extension-definition--")?;
    let found = PUBLISHED.iter().find(|(known, _)| uuid.eq_ignore_ascii_case(known));
    found.map(|(_, what)| *what)
}

static PUBLISHED: [(&str, &str); 24] = [
    ("60a3c5c5-0d10-413e-aab3-9e08dde9e88d", "marking: TLP 2.0"),
    ("3a65884d-005a-4290-8335-cb2d778a83ce", "marking: ACS 3.0a"),
    ("762e2e97-ee51-43e5-a9ea-165fbb862c4a", "marking: IEP 2.0"),
    ("dff17fb3-edcb-4f99-ad1b-4b751c95738a", "marking: CUI"),
    ("ef765651-680c-498d-9894-99799f2fa126", "incident core"),
    ("4ca6de00-5b0d-45ef-a1dc-ea7279ea910e", "event"),
    ("7cc33dd6-f6a1-489b-98ea-522d351d71b9", "impact"),
    ("2074a052-8be4-4932-849e-f5e7798e0030", "task"),
    ("66e2492a-bbd3-4be6-88f5-cc91a017a498", "identity contact information"),
    ("8053ffa0-dec7-4aef-870e-a56d0082cf69", "artifact is_safe"),
    ("8e9e338f-c9ee-4d4f-8cac-85b4dcfdf3c1", "malware behaviour: property"),
    ("d57b7c9c-7fa6-436b-b82c-8e6f69cdc3d0", "malware behaviour: object"),
    ("8b1aa84c-5532-4c69-a8e7-b6170facfd3d", "observed strings"),
    ("005e229c-fffc-42b0-a912-84671ab2829d", "STIX 1.x sockets"),
    ("0d4dda28-1b6c-446a-be85-38b9d9cd297c", "STIX 1.x e-mail"),
    ("5efa53f9-cf17-4867-bb4f-4cd2ac055e7c", "STIX 1.x malware"),
    ("6f6973cb-70be-40cb-b1ac-15ed78cebe56", "STIX 1.x ICMP"),
    ("7c8ca481-f0e9-4389-94f5-90df472eb01d", "STIX 1.x indicator"),
    ("8f0b8ed7-c7ad-4650-babe-c4c45cac4a0b", "STIX 1.x victim"),
    ("a46b18de-0b41-4a95-9d2d-67a360f2d859", "STIX 1.x course of action"),
    ("abfeb963-42a9-45a7-841a-e1d97838e2c9", "STIX 1.x attack pattern"),
    ("ac577b78-8356-41e0-bc5a-2cd3e5c17b2c", "STIX 1.x vulnerability"),
    ("d83fce45-ef58-4c6c-a3f4-1fbc32e98c6e", "STIX 1.x campaign"),
    ("db4b5429-6927-4d0c-a194-4695f05c629a", "STIX 1.x archive file"),
];
