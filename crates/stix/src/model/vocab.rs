//! The vocabularies of section 10: 22 open ones, 10 enumerations.

use super::Vocabulary;

/// `account-type-ov`, section 10.1.
pub static ACCOUNT_TYPE: Vocabulary = Vocabulary {
    name: "account-type-ov",
    clause: "10.1",
    check: 244,
    values: &[
        "facebook",
        "ldap",
        "nis",
        "openid",
        "radius",
        "skype",
        "tacacs",
        "twitter",
        "unix",
        "windows-domain",
        "windows-local",
    ],
};

/// `attack-motivation-ov`, section 10.2.
pub static ATTACK_MOTIVATION: Vocabulary = Vocabulary {
    name: "attack-motivation-ov",
    clause: "10.2",
    check: 211,
    values: &[
        "accidental",
        "coercion",
        "dominance",
        "ideology",
        "notoriety",
        "organizational-gain",
        "personal-gain",
        "personal-satisfaction",
        "revenge",
        "unpredictable",
    ],
};

/// `attack-resource-level-ov`, section 10.3.
pub static ATTACK_RESOURCE_LEVEL: Vocabulary = Vocabulary {
    name: "attack-resource-level-ov",
    clause: "10.3",
    check: 212,
    values: &["club", "contest", "government", "individual", "organization", "team"],
};

/// `grouping-context-ov`, section 10.6.
pub static GROUPING_CONTEXT: Vocabulary = Vocabulary {
    name: "grouping-context-ov",
    clause: "10.6",
    check: 225,
    values: &["malware-analysis", "suspicious-activity", "unspecified"],
};

/// `hash-algorithm-ov`, section 10.7.
pub static HASH_ALGORITHM: Vocabulary = Vocabulary {
    name: "hash-algorithm-ov",
    clause: "10.7",
    check: 241,
    values: &["MD5", "SHA-1", "SHA-256", "SHA-512", "SHA3-256", "SHA3-512", "SSDEEP", "TLSH"],
};

/// `identity-class-ov`, section 10.8.
pub static IDENTITY_CLASS: Vocabulary = Vocabulary {
    name: "identity-class-ov",
    clause: "10.8",
    check: 213,
    values: &["class", "group", "individual", "organization", "system", "unknown"],
};

/// `implementation-language-ov`, section 10.9.
pub static IMPLEMENTATION_LANGUAGE: Vocabulary = Vocabulary {
    name: "implementation-language-ov",
    clause: "10.9",
    check: 226,
    values: &[
        "applescript",
        "bash",
        "c",
        "c#",
        "c++",
        "go",
        "java",
        "javascript",
        "lua",
        "objective-c",
        "perl",
        "php",
        "powershell",
        "python",
        "ruby",
        "rust",
        "scala",
        "swift",
        "typescript",
        "visual-basic",
        "x86-32",
        "x86-64",
    ],
};

/// `indicator-type-ov`, section 10.10.
pub static INDICATOR_TYPE: Vocabulary = Vocabulary {
    name: "indicator-type-ov",
    clause: "10.10",
    check: 214,
    values: &[
        "anomalous-activity",
        "anonymization",
        "attribution",
        "benign",
        "compromised",
        "malicious-activity",
        "unknown",
    ],
};

/// `industry-sector-ov`, section 10.11.
pub static INDUSTRY_SECTOR: Vocabulary = Vocabulary {
    name: "industry-sector-ov",
    clause: "10.11",
    check: 215,
    values: &[
        "aerospace",
        "agriculture",
        "automotive",
        "chemical",
        "commercial",
        "communications",
        "construction",
        "dams",
        "defense",
        "education",
        "emergency-services",
        "energy",
        "entertainment",
        "financial-services",
        "government",
        "government-local",
        "government-national",
        "government-public-services",
        "government-regional",
        "healthcare",
        "hospitality-leisure",
        "infrastructure",
        "insurance",
        "legal",
        "manufacturing",
        "mining",
        "non-profit",
        "nuclear",
        "pharmaceuticals",
        "retail",
        "technology",
        "telecommunications",
        "transportation",
        "utilities",
        "water",
    ],
};

/// `infrastructure-type-ov`, section 10.12.
pub static INFRASTRUCTURE_TYPE: Vocabulary = Vocabulary {
    name: "infrastructure-type-ov",
    clause: "10.12",
    check: 227,
    values: &[
        "amplification",
        "anonymization",
        "botnet",
        "command-and-control",
        "control-system",
        "exfiltration",
        "firewall",
        "hosting-malware",
        "hosting-target-lists",
        "phishing",
        "reconnaissance",
        "routers-switches",
        "staging",
        "unknown",
        "workstation",
    ],
};

/// `malware-capabilities-ov`, section 10.13.
pub static MALWARE_CAPABILITIES: Vocabulary = Vocabulary {
    name: "malware-capabilities-ov",
    clause: "10.13",
    check: 228,
    values: &[
        "accesses-remote-machines",
        "anti-debugging",
        "anti-disassembly",
        "anti-emulation",
        "anti-memory-forensics",
        "anti-sandbox",
        "anti-vm",
        "captures-input-peripherals",
        "captures-output-peripherals",
        "captures-system-state-data",
        "cleans-traces-of-infection",
        "commits-fraud",
        "communicates-with-c2",
        "compromises-data-availability",
        "compromises-data-integrity",
        "compromises-system-availability",
        "controls-local-machine",
        "degrades-security-software",
        "degrades-system-updates",
        "determines-c2-server",
        "emails-spam",
        "escalates-privileges",
        "evades-av",
        "exfiltrates-data",
        "fingerprints-host",
        "hides-artifacts",
        "hides-executing-code",
        "infects-files",
        "infects-remote-machines",
        "installs-other-components",
        "persists-after-system-reboot",
        "prevents-artifact-access",
        "prevents-artifact-deletion",
        "probes-network-environment",
        "self-modifies",
        "steals-authentication-credentials",
        "violates-system-operational-integrity",
    ],
};

/// `malware-result-ov`, section 10.14.
pub static MALWARE_RESULT: Vocabulary = Vocabulary {
    name: "malware-result-ov",
    clause: "10.14",
    check: 231,
    values: &["benign", "malicious", "suspicious", "unknown"],
};

/// `malware-type-ov`, section 10.15.
pub static MALWARE_TYPE: Vocabulary = Vocabulary {
    name: "malware-type-ov",
    clause: "10.15",
    check: 216,
    values: &[
        "adware",
        "backdoor",
        "bootkit",
        "bot",
        "ddos",
        "downloader",
        "dropper",
        "exploit-kit",
        "keylogger",
        "ransomware",
        "remote-access-trojan",
        "resource-exploitation",
        "rogue-security-software",
        "rootkit",
        "screen-capture",
        "spyware",
        "trojan",
        "unknown",
        "virus",
        "webshell",
        "wiper",
        "worm",
    ],
};

/// `pattern-type-ov`, section 10.19.
pub static PATTERN_TYPE: Vocabulary = Vocabulary {
    name: "pattern-type-ov",
    clause: "10.19",
    check: 245,
    values: &["pcre", "sigma", "snort", "stix", "suricata", "yara"],
};

/// `processor-architecture-ov`, section 10.20.
pub static PROCESSOR_ARCHITECTURE: Vocabulary = Vocabulary {
    name: "processor-architecture-ov",
    clause: "10.20",
    check: 230,
    values: &["alpha", "arm", "ia-64", "mips", "powerpc", "sparc", "x86", "x86-64"],
};

/// `region-ov`, section 10.21.
pub static REGION: Vocabulary = Vocabulary {
    name: "region-ov",
    clause: "10.21",
    check: 223,
    values: &[
        "africa",
        "americas",
        "antarctica",
        "asia",
        "australia-new-zealand",
        "caribbean",
        "central-america",
        "central-asia",
        "eastern-africa",
        "eastern-asia",
        "eastern-europe",
        "europe",
        "latin-america-caribbean",
        "melanesia",
        "micronesia",
        "middle-africa",
        "northern-africa",
        "northern-america",
        "northern-europe",
        "oceania",
        "polynesia",
        "south-america",
        "south-eastern-asia",
        "southern-africa",
        "southern-asia",
        "southern-europe",
        "western-africa",
        "western-asia",
        "western-europe",
    ],
};

/// `report-type-ov`, section 10.22.
pub static REPORT_TYPE: Vocabulary = Vocabulary {
    name: "report-type-ov",
    clause: "10.22",
    check: 218,
    values: &[
        "attack-pattern",
        "campaign",
        "identity",
        "incident",
        "indicator",
        "intrusion-set",
        "malware",
        "observed-data",
        "threat-actor",
        "threat-report",
        "tool",
        "vulnerability",
    ],
};

/// `threat-actor-type-ov`, section 10.23.
pub static THREAT_ACTOR_TYPE: Vocabulary = Vocabulary {
    name: "threat-actor-type-ov",
    clause: "10.23",
    check: 219,
    values: &[
        "activist",
        "competitor",
        "crime-syndicate",
        "criminal",
        "hacker",
        "insider-accidental",
        "insider-disgruntled",
        "nation-state",
        "private-sector",
        "sensationalist",
        "spy",
        "terrorist",
        "unknown",
    ],
};

/// `threat-actor-role-ov`, section 10.24.
pub static THREAT_ACTOR_ROLE: Vocabulary = Vocabulary {
    name: "threat-actor-role-ov",
    clause: "10.24",
    check: 220,
    values: &[
        "agent",
        "director",
        "independent",
        "infrastructure-architect",
        "infrastructure-operator",
        "malware-author",
        "sponsor",
    ],
};

/// `threat-actor-sophistication-ov`, section 10.25.
pub static THREAT_ACTOR_SOPHISTICATION: Vocabulary = Vocabulary {
    name: "threat-actor-sophistication-ov",
    clause: "10.25",
    check: 221,
    values: &["advanced", "expert", "innovator", "intermediate", "minimal", "none", "strategic"],
};

/// `tool-type-ov`, section 10.26.
pub static TOOL_TYPE: Vocabulary = Vocabulary {
    name: "tool-type-ov",
    clause: "10.26",
    check: 222,
    values: &[
        "credential-exploitation",
        "denial-of-service",
        "exploitation",
        "information-gathering",
        "network-capture",
        "remote-access",
        "unknown",
        "vulnerability-scanning",
    ],
};

/// `windows-pebinary-type-ov`, section 10.28.
pub static WINDOWS_PEBINARY_TYPE: Vocabulary = Vocabulary {
    name: "windows-pebinary-type-ov",
    clause: "10.28",
    check: 243,
    values: &["dll", "exe", "sys"],
};

/// `encryption-algorithm-enum`, section 10.4.
pub static ENCRYPTION_ALGORITHM: Vocabulary = Vocabulary {
    name: "encryption-algorithm-enum",
    clause: "10.4",
    check: 0,
    values: &["AES-256-GCM", "ChaCha20-Poly1305", "mime-type-indicated"],
};

/// `extension-type-enum`, section 10.5.
pub static EXTENSION_TYPE: Vocabulary = Vocabulary {
    name: "extension-type-enum",
    clause: "10.5",
    check: 0,
    values: &["new-sco", "new-sdo", "new-sro", "property-extension", "toplevel-property-extension"],
};

/// `network-socket-address-family-enum`, section 10.16.
pub static NETWORK_SOCKET_ADDRESS_FAMILY: Vocabulary = Vocabulary {
    name: "network-socket-address-family-enum",
    clause: "10.16",
    check: 0,
    values: &[
        "AF_APPLETALK",
        "AF_BTH",
        "AF_INET",
        "AF_INET6",
        "AF_IPX",
        "AF_IRDA",
        "AF_NETBIOS",
        "AF_UNSPEC",
    ],
};

/// `network-socket-type-enum`, section 10.17.
pub static NETWORK_SOCKET_TYPE: Vocabulary = Vocabulary {
    name: "network-socket-type-enum",
    clause: "10.17",
    check: 0,
    values: &["SOCK_DGRAM", "SOCK_RAW", "SOCK_RDM", "SOCK_SEQPACKET", "SOCK_STREAM"],
};

/// `opinion-enum`, section 10.18.
pub static OPINION: Vocabulary = Vocabulary {
    name: "opinion-enum",
    clause: "10.18",
    check: 0,
    values: &["agree", "disagree", "neutral", "strongly-agree", "strongly-disagree"],
};

/// `windows-integrity-level-enum`, section 10.27.
pub static WINDOWS_INTEGRITY_LEVEL: Vocabulary = Vocabulary {
    name: "windows-integrity-level-enum",
    clause: "10.27",
    check: 0,
    values: &["high", "low", "medium", "system"],
};

/// `windows-registry-datatype-enum`, section 10.29.
pub static WINDOWS_REGISTRY_DATATYPE: Vocabulary = Vocabulary {
    name: "windows-registry-datatype-enum",
    clause: "10.29",
    check: 0,
    values: &[
        "REG_BINARY",
        "REG_DWORD",
        "REG_DWORD_BIG_ENDIAN",
        "REG_DWORD_LITTLE_ENDIAN",
        "REG_EXPAND_SZ",
        "REG_FULL_RESOURCE_DESCRIPTION",
        "REG_INVALID_TYPE",
        "REG_LINK",
        "REG_MULTI_SZ",
        "REG_NONE",
        "REG_QWORD",
        "REG_RESOURCE_LIST",
        "REG_RESOURCE_REQUIREMENTS_LIST",
        "REG_SZ",
    ],
};

/// `windows-service-start-type-enum`, section 10.30.
pub static WINDOWS_SERVICE_START_TYPE: Vocabulary = Vocabulary {
    name: "windows-service-start-type-enum",
    clause: "10.30",
    check: 0,
    values: &[
        "SERVICE_AUTO_START",
        "SERVICE_BOOT_START",
        "SERVICE_DEMAND_START",
        "SERVICE_DISABLED",
        "SERVICE_SYSTEM_ALERT",
    ],
};

/// `windows-service-type-enum`, section 10.31.
pub static WINDOWS_SERVICE_TYPE: Vocabulary = Vocabulary {
    name: "windows-service-type-enum",
    clause: "10.31",
    check: 0,
    values: &[
        "SERVICE_FILE_SYSTEM_DRIVER",
        "SERVICE_KERNEL_DRIVER",
        "SERVICE_WIN32_OWN_PROCESS",
        "SERVICE_WIN32_SHARE_PROCESS",
    ],
};

/// `windows-service-status-enum`, section 10.32.
pub static WINDOWS_SERVICE_STATUS: Vocabulary = Vocabulary {
    name: "windows-service-status-enum",
    clause: "10.32",
    check: 0,
    values: &[
        "SERVICE_CONTINUE_PENDING",
        "SERVICE_PAUSED",
        "SERVICE_PAUSE_PENDING",
        "SERVICE_RUNNING",
        "SERVICE_START_PENDING",
        "SERVICE_STOPPED",
        "SERVICE_STOP_PENDING",
    ],
};
