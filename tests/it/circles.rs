//! No file of the crate imports, by itself or through others, a file that imports it.
//!
//! Imports are read off the code: `use`, and paths that begin with `crate`, `self` or `super`. One of a name leads to the file
//! that defines it, over the re-exports of others; to re-export a name is no import of it. A module and those within it are
//! of one piece, and may import each other. Code of tests does not count.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::visit::Visit;

/// A module's name from the crate's root on: `["job", "raw"]`.
type Module = Vec<String>;

/// What a module's file says.
#[derive(Default)]
struct Source {
    /// Modules in files of their own.
    children: BTreeSet<String>,
    /// Names that it re-exports, with the paths that they have there.
    exported: BTreeMap<String, Vec<String>>,
    /// Paths that it imports or names.
    named: Vec<Vec<String>>,
}

/// The modules that the crate's root leads to, without those of tests.
fn sources(folder: &Path) -> BTreeMap<Module, Source> {
    let mut found = BTreeMap::new();
    read(&folder.join("lib.rs"), folder, Vec::new(), &mut found);
    found
}

/// Reads a module's file, whose children lie in the folder.
fn read(file: &Path, folder: &Path, module: Module, found: &mut BTreeMap<Module, Source>) {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut source = Source::default();
    Reader(&mut source).visit_file(&parsed);
    for child in source.children.clone() {
        let (alone, inside) = (folder.join(format!("{child}.rs")), folder.join(&child));
        let file = if alone.is_file() { alone } else { inside.join("mod.rs") };
        read(&file, &inside, [&module[..], &[child]].concat(), found);
    }
    found.insert(module, source);
}

struct Reader<'a>(&'a mut Source);

fn is_of_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.meta.require_list().is_ok_and(|list| list.tokens.to_string().starts_with("test"))
    })
}

/// The paths of a `use`, each with the name that it has from then on.
fn paths(tree: &syn::UseTree, before: &[String], found: &mut Vec<(String, Vec<String>)>) {
    let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
    match tree {
        syn::UseTree::Path(path) => paths(&path.tree, &with(&path.ident), found),
        syn::UseTree::Name(name) if name.ident == "self" => {
            found.push((before.last().cloned().unwrap_or_default(), before.to_vec()));
        }
        syn::UseTree::Name(name) => found.push((name.ident.to_string(), with(&name.ident))),
        syn::UseTree::Rename(renamed) => found.push((renamed.rename.to_string(), with(&renamed.ident))),
        syn::UseTree::Glob(_) => found.push(("*".to_owned(), before.to_vec())),
        syn::UseTree::Group(group) => group.items.iter().for_each(|item| paths(item, before, found)),
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        match item.content {
            _ if is_of_tests(&item.attrs) => {}
            None => drop(self.0.children.insert(item.ident.to_string())),
            Some(_) => syn::visit::visit_item_mod(self, item),
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let mut found = Vec::new();
        if !is_of_tests(&item.attrs) {
            paths(&item.tree, &[], &mut found);
        }
        match item.vis {
            syn::Visibility::Inherited => self.0.named.extend(found.into_iter().map(|(_, path)| path)),
            _ => self.0.exported.extend(found),
        }
    }

    /// `pub(super)` names nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.0.named.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        syn::visit::visit_path(self, path);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_of_tests(&item.attrs) {
            syn::visit::visit_item_fn(self, item);
        }
    }
}

/// The module whose file defines what a path names; none where it is another crate's.
fn defining(sources: &BTreeMap<Module, Source>, from: &Module, path: &[String]) -> Option<Module> {
    let (first, rest) = path.split_first()?;
    let mut at = match first.as_str() {
        "crate" => Vec::new(),
        "self" => from.clone(),
        "super" => from[..from.len().checked_sub(1)?].to_vec(),
        child if sources[from].children.contains(child) => [&from[..], &[child.to_owned()]].concat(),
        _ => return None,
    };
    for (place, name) in rest.iter().enumerate() {
        let source = &sources[&at];
        if name == "super" {
            at.pop()?;
        } else if source.children.contains(name) {
            at.push(name.clone());
        } else {
            let Some(elsewhere) = source.exported.get(name) else { break };
            let further = [&elsewhere[..], &rest[place + 1..]].concat();
            return defining(sources, &at, &further);
        }
    }
    Some(at)
}

/// What each module imports, beside what it is in and what is in it.
fn imports(sources: &BTreeMap<Module, Source>) -> BTreeMap<Module, BTreeSet<Module>> {
    let of = |(module, source): (&Module, &Source)| {
        let named = source.named.iter().filter_map(|path| defining(sources, module, path));
        let is_kin = |other: &Module| other.starts_with(module) || module.starts_with(other);
        (module.clone(), named.filter(|other| !is_kin(other)).collect())
    };
    sources.iter().map(of).collect()
}

/// The modules that import each other, in groups.
fn circles(imports: &BTreeMap<Module, BTreeSet<Module>>) -> BTreeSet<BTreeSet<Module>> {
    let reached = |from: &Module| {
        let (mut seen, mut left) = (BTreeSet::new(), vec![from]);
        while let Some(next) = left.pop().and_then(|module| imports.get(module)) {
            left.extend(next.iter().filter(|module| seen.insert((*module).clone())));
        }
        seen
    };
    let reach: BTreeMap<&Module, BTreeSet<Module>> =
        imports.keys().map(|module| (module, reached(module))).collect();
    let circle = |module: &Module| {
        let back = |other: &&Module| reach[module].contains(*other) && reach[other].contains(module);
        reach.keys().copied().filter(back).cloned().collect::<BTreeSet<Module>>()
    };
    reach.keys().map(|module| circle(module)).filter(|circle| circle.len() > 1).collect()
}

fn told(circle: &BTreeSet<Module>, imports: &BTreeMap<Module, BTreeSet<Module>>) -> String {
    let line = |module: &Module| {
        let to: Vec<String> = imports[module].intersection(circle).map(|other| other.join("::")).collect();
        format!("  {} imports {}\n", module.join("::"), to.join(", "))
    };
    circle.iter().map(line).collect()
}

#[test]
fn no_files_import_each_other() {
    let imports = imports(&sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")));
    let told: Vec<String> = circles(&imports).iter().map(|circle| told(circle, &imports)).collect();
    assert!(told.is_empty(), "these import each other:\n{}", told.join("\n"));
}

#[test]
fn a_circle_is_found_over_re_exports_and_children_and_a_ladder_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path: PathBuf = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("lib.rs", "mod a; pub mod b; mod c; pub use b::low::Low;");
    write("a.rs", "use crate::b::High; fn f() { crate::c::g() } #[cfg(test)] mod tests { use crate::c::G; }");
    write("b/mod.rs", "mod high; pub mod low; pub use self::high::High;");
    write("b/high.rs", "use super::low::{self, Low}; pub struct High(Low);");
    write("b/low.rs", "pub struct Low;");
    write("c.rs", "pub fn g() -> crate::Low { crate::Low }");
    let of = || {
        let imports = imports(&sources(folder.path()));
        circles(&imports).iter().map(|circle| told(circle, &imports)).collect::<Vec<_>>()
    };
    assert!(of().is_empty(), "{:?}", of());
    write("b/low.rs", "pub struct Low; fn f() { let _ = super::super::a::F; }");
    assert_eq!(
        of(),
        ["  a imports b::high, c\n  b::high imports b::low\n  b::low imports a\n  c imports b::low\n"]
    );
}
