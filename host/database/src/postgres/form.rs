//! What the types of PostgreSQL are here.

use tokio_postgres::types::{Kind, Type};

/// A type that has values here, by how its values are read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Boolean,
    /// Signed integers, by their bytes.
    Int2,
    Int4,
    Int8,
    /// The unsigned numbers that the server gives to its own things: `oid`, `regclass`, `xid`.
    Oid,
    Float4,
    Float8,
    Numeric,
    /// All that is sent as its text: also enumerations, `xml` and `citext`.
    Text,
    /// `"char"`: one byte.
    Byte,
    Binary,
    Date,
    Time,
    Timestamp,
    Instant,
    Uuid,
    Json,
    Jsonb,
    /// `inet` and `cidr`.
    Network,
    /// `macaddr` and `macaddr8`.
    Hardware,
    /// `bit` and `varbit`.
    Bits,
    Vector,
    HalfVector,
    /// What functions without a result return.
    Void,
    /// A list of one of the above but for vectors.
    Array,
}

impl Form {
    /// The form of a type, if it has one.
    pub(crate) fn of(kind: &Type) -> Option<Self> {
        match kind.kind() {
            Kind::Domain(base) => return Self::of(base),
            Kind::Enum(_) => return Some(Self::Text),
            Kind::Array(member) => {
                let member = Self::of(member)?;
                let alone = matches!(member, Self::Vector | Self::HalfVector | Self::Void | Self::Array);
                return (!alone).then_some(Self::Array);
            }
            Kind::Simple | Kind::Pseudo => {}
            _ => return None,
        }
        Some(match *kind {
            Type::BOOL => Self::Boolean,
            Type::INT2 => Self::Int2,
            Type::INT4 => Self::Int4,
            Type::INT8 => Self::Int8,
            Type::OID
            | Type::XID
            | Type::CID
            | Type::REGCLASS
            | Type::REGTYPE
            | Type::REGPROC
            | Type::REGPROCEDURE
            | Type::REGNAMESPACE
            | Type::REGROLE => Self::Oid,
            Type::FLOAT4 => Self::Float4,
            Type::FLOAT8 => Self::Float8,
            Type::NUMERIC => Self::Numeric,
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::XML | Type::UNKNOWN => Self::Text,
            Type::CHAR => Self::Byte,
            Type::BYTEA => Self::Binary,
            Type::DATE => Self::Date,
            Type::TIME => Self::Time,
            Type::TIMESTAMP => Self::Timestamp,
            Type::TIMESTAMPTZ => Self::Instant,
            Type::UUID => Self::Uuid,
            Type::JSON => Self::Json,
            Type::JSONB => Self::Jsonb,
            Type::INET | Type::CIDR => Self::Network,
            Type::MACADDR | Type::MACADDR8 => Self::Hardware,
            Type::BIT | Type::VARBIT => Self::Bits,
            Type::VOID => Self::Void,
            // Of extensions, which have other numbers in each database.
            _ => match kind.name() {
                "citext" => Self::Text,
                "vector" => Self::Vector,
                "halfvec" => Self::HalfVector,
                _ => return None,
            },
        })
    }
}

/// The type that a domain is made of, if it is one.
pub(crate) fn base(kind: &Type) -> &Type {
    if let Kind::Domain(of) = kind.kind() { base(of) } else { kind }
}

/// The type of the elements of an array.
pub(crate) fn member(kind: &Type) -> Option<&Type> {
    if let Kind::Array(member) = base(kind).kind() { Some(member) } else { None }
}

/// What people call a type: the server's own name of an array begins with a line.
pub(crate) fn type_name(kind: &Type) -> String {
    match kind.kind() {
        Kind::Array(member) => format!("{}[]", member.name()),
        _ => kind.name().to_owned(),
    }
}
