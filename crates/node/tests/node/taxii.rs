//! The TAXII door, request by request.

mod abuse;
mod acme;
mod channel;
mod collections;
mod connectors;
mod delete;
mod desk;
mod dirty;
mod form;
mod http;
mod pages;
mod passwords;
mod pending;
mod resources;
mod rights;
mod secure;
mod slow;
mod specs;
mod tables;
mod write;
