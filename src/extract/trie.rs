//! All plain paths of an endpoint as one tree, so that one pass over an answer finds all their values.

use std::ops::Range;

use super::path::Step;

/// The paths of an endpoint. Each different path has a *slot*: its place in what a pass over an answer fills.
#[derive(Debug)]
pub(super) struct Trie {
    /// In order and different; a path's position is its slot.
    paths: Vec<Vec<Step>>,
    root: Node,
}

/// A place in a document that paths end at or lead through.
#[derive(Debug)]
pub(super) struct Node {
    /// Whether a path ends here; its slot is then the first of `slots`.
    pub is_leaf: bool,
    /// The slots of the paths that end here or below.
    pub slots: Range<usize>,
    /// Where `.key` leads, ordered by the length of the key.
    pub keys: Vec<(Box<str>, Node)>,
    /// For each length up to the longest, which of `keys` have it: few keys are as long as the one looked up.
    lengths: Vec<Range<usize>>,
    /// Where `[0]` or `[-1]` leads, in order.
    pub places: Vec<(isize, Node)>,
}

impl Trie {
    /// The tree of these paths; the same path may come more than once.
    pub fn new<'a>(paths: impl IntoIterator<Item = &'a [Step]>) -> Trie {
        let mut paths: Vec<Vec<Step>> = paths.into_iter().map(<[Step]>::to_vec).collect();
        paths.sort_unstable();
        paths.dedup();
        let root = Node::new(&paths, 0, 0);
        Trie { paths, root }
    }

    /// The whole document.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// How many slots there are.
    pub fn slots(&self) -> usize {
        self.paths.len()
    }

    /// The slot of a path, if it is one of the tree's.
    pub fn slot(&self, steps: &[Step]) -> Option<usize> {
        self.paths.binary_search_by(|path| path.as_slice().cmp(steps)).ok()
    }
}

impl Node {
    /// The node that the first `depth` steps of all `paths` lead to. `first` is the slot of the first of them:
    /// in their order a path comes right before those that lead through its end.
    fn new(paths: &[Vec<Step>], depth: usize, first: usize) -> Node {
        let is_leaf = paths.first().is_some_and(|path| path.len() == depth);
        let slots = first..first + paths.len();
        let mut node = Node { is_leaf, slots, keys: Vec::new(), lengths: Vec::new(), places: Vec::new() };
        let mut at = first + usize::from(is_leaf);
        for group in paths[usize::from(is_leaf)..].chunk_by(|a, b| a[depth] == b[depth]) {
            let below = Node::new(group, depth + 1, at);
            at += group.len();
            match &group[0][depth] {
                Step::Key(key) => node.keys.push((key.clone(), below)),
                Step::Place(place) => node.places.push((*place, below)),
            }
        }
        node.order_by_length();
        node
    }

    fn order_by_length(&mut self) {
        self.keys.sort_by_key(|(key, _)| key.len());
        let longest = self.keys.last().map(|(key, _)| key.len());
        let up_to = |length: usize| self.keys.partition_point(|(key, _)| key.len() < length);
        self.lengths = (0..longest.map_or(0, |longest| longest + 1))
            .map(|length| up_to(length)..up_to(length + 1))
            .collect();
    }

    /// The slots of the paths that end below, but not here.
    pub fn slots_below(&self) -> Range<usize> {
        self.slots.start + usize::from(self.is_leaf)..self.slots.end
    }

    /// Where `.key` leads.
    pub fn key(&self, key: &str) -> Option<&Node> {
        let as_long = &self.keys[self.lengths.get(key.len())?.clone()];
        as_long.iter().find(|(own, _)| **own == *key).map(|(_, below)| below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::path;

    fn trie(expressions: &[&str]) -> (Trie, Vec<usize>) {
        let paths: Vec<_> =
            expressions.iter().map(|text| path::plain(&path::parse(text).unwrap()).unwrap()).collect();
        let trie = Trie::new(paths.iter().map(|path| path.steps.as_slice()));
        let slots = paths.iter().map(|path| trie.slot(&path.steps).unwrap()).collect();
        (trie, slots)
    }

    #[test]
    fn the_same_path_has_one_slot() {
        let (trie, slots) = trie(&[".b", ".a", ".b", ".b?"]);
        assert_eq!(slots, [1, 0, 1, 1]);
        assert_eq!(trie.slots(), 2);
    }

    #[test]
    fn a_path_may_end_where_others_go_on() {
        let (trie, slots) = trie(&[".a.b", ".a", ".", ".a[0]", ".c"]);
        assert_eq!(slots, [2, 1, 0, 3, 4]);
        assert!(trie.root().is_leaf);
        let a = trie.root().key("a").unwrap();
        assert_eq!((a.is_leaf, a.slots.clone(), a.slots_below()), (true, 1..4, 2..4));
        assert_eq!(a.key("b").unwrap().slots, 2..3);
        assert_eq!(a.places[0].1.slots, 3..4);
        assert!(a.key("c").is_none());
    }

    #[test]
    fn no_paths_make_a_tree_without_slots() {
        let (trie, _) = trie(&[]);
        assert_eq!((trie.slots(), trie.root().is_leaf), (0, false));
    }
}
