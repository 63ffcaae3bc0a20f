//! The TAXII door, request by request.

mod abuse;
mod delete;
mod desk;
mod form;
mod pages;
mod rights;
mod write;
