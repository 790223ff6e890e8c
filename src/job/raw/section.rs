//! Tables of the job file, each declared once.

/// Declares a section: its struct, its keys as the schema has them, and how they are read.
///
/// A key is `name: Type`, read as `Option<At<Type>>`; `= "hint"` makes it one that must be there, and says what to write.
/// `name as "type"` is another word in the file. Behind `..` stand fields that are no key, each with what makes it of the
/// table. A function behind the title notes what is wrong with the keys together, before they are read.
macro_rules! section {
    (
        $(#[$attribute:meta])*
        $title:literal $(, $check:path)?;
        $struct:ident {
            $($(#[$of_key:meta])* $key:ident $(as $word:literal)?: $of:ty $(= $hint:expr)?,)*
            $(..
            $($(#[$of_field:meta])* $field:ident: $field_of:ty = $made:path,)*)?
        }
    ) => {
        #[derive(Debug, Clone, Default, schemars::JsonSchema)]
        #[schemars(deny_unknown_fields)]
        $(#[$attribute])*
        pub(in crate::job) struct $struct {
            $($(#[$of_key])* pub $key: Option<$crate::job::raw::At<$of>>,)*
            $($($(#[$of_field])* pub $field: $field_of,)*)?
        }

        impl $crate::job::raw::Section for $struct {
            const TITLE: &'static str = $title;

            fn read(fields: &mut $crate::job::raw::fields::Fields<'_>) -> $struct {
                $($check(fields);)?
                $struct {
                    $($key: section!(@take fields, section!(@word $key $($word)?) $(, $hint)?),)*
                    $($($field: $made(fields),)*)?
                }
            }

            fn inherit(&mut self, other: &Self) {
                $(if self.$key.is_none() {
                    self.$key.clone_from(&other.$key);
                })*
            }
        }
    };
    (@word $key:ident) => { stringify!($key) };
    (@word $key:ident $word:literal) => { $word };
    (@take $fields:ident, $key:expr) => { $fields.optional($key) };
    (@take $fields:ident, $key:expr, $hint:expr) => { $fields.required($key, $hint) };
}

pub(super) use section;
