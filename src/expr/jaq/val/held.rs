//! What values are made of, metered, and dropped without recursion.
//!
//! A value that an expression builds may nest as deep as there is memory. Whatever recurses over
//! one looks at the stack ([`meter::step`]); dropping cannot fail, and so it does not recurse: from
//! some level on, what is to be dropped waits until the levels above are gone.

use std::cell::{Cell, RefCell};
use std::ops::Deref;

use super::{Map, Text, Val};
use crate::expr::meter;

/// How many levels of a value are dropped by recursion.
const DROP_LEVELS_MAX: u32 = 64;

/// What each part of a value takes, in bytes, besides its contents: its counters and its header.
const PART_BYTES: usize = 64;

/// For how many items there is room in an array that items are gathered in, at least.
const ITEMS_MIN: usize = 4;

/// What one field of an object takes: the key, the value, the hash, and the place in the table.
const FIELD_BYTES: usize = 64;

/// A string, or the items of an array, or the fields of an object. The meter counts what it weighs
/// as long as it lives, so that whatever makes it heavier or lighter goes through [`Held::change`].
#[derive(Debug)]
pub(in crate::expr::jaq) struct Held<T: Weighed>(T);

/// What grows by one unit after the other.
pub(in crate::expr::jaq) trait Growing: Weighed {
    /// How many bytes a unit takes.
    const UNIT_BYTES: usize;

    /// How many units there are, and for how many there is room.
    fn units(&self) -> (usize, usize);

    /// Makes room for so many units more.
    fn reserve(&mut self, more: usize);
}

/// What takes memory.
pub(in crate::expr::jaq) trait Weighed: Default {
    /// How many bytes it has room for.
    fn weight(&self) -> usize;

    /// Takes it out, and leaves an empty one.
    fn take(&mut self) -> Self;

    /// Drops the contents.
    fn let_go(&mut self);
}

impl<T: Weighed> Held<T> {
    /// Takes it out.
    pub(in crate::expr::jaq) fn into_inner(mut self) -> T {
        meter::release(self.0.weight());
        self.0.take()
    }

    /// Changes it.
    #[inline]
    pub(in crate::expr::jaq) fn change<R>(&mut self, change: impl FnOnce(&mut T) -> R) -> R {
        let before = self.0.weight();
        let result = change(&mut self.0);
        let after = self.0.weight();
        match after.checked_sub(before) {
            Some(more) => {
                meter::hold(more);
                meter::work(more);
            }
            None => meter::release(before - after),
        }
        result
    }
}

impl<T: Growing> Held<T> {
    /// Makes room for so many units more. They count before they take memory.
    #[inline]
    pub(in crate::expr::jaq) fn make_room(&mut self, more: usize) {
        let (len, room) = self.0.units();
        if more > room - len {
            self.grow(more);
        }
    }

    fn grow(&mut self, more: usize) {
        let (len, room) = self.0.units();
        let wanted = len.saturating_add(more).max(room.saturating_mul(2));
        meter::room((wanted - room).saturating_mul(T::UNIT_BYTES));
        self.change(|inner| inner.reserve(wanted - len));
    }
}

impl<T: Weighed> From<T> for Held<T> {
    #[inline]
    fn from(inner: T) -> Held<T> {
        let held = Held(inner);
        let bytes = held.0.weight();
        meter::hold(bytes + PART_BYTES);
        meter::work(bytes);
        held
    }
}

impl Held<Vec<Val>> {
    /// Gathers items.
    pub(in crate::expr::jaq) fn gather(items: impl Iterator<Item = Val>) -> Self {
        match items.size_hint() {
            (least, Some(most)) if least == most => {
                meter::room(most.saturating_mul(size_of::<Val>()));
                Held::from(items.collect::<Vec<Val>>())
            }
            _ => Held::gather_unknown(items),
        }
    }

    /// Gathers items whose number nobody knows beforehand: there may be no end to them.
    fn gather_unknown(mut items: impl Iterator<Item = Val>) -> Self {
        let Some(first) = items.next() else { return Held::default() };
        let mut held: Held<Vec<Val>> = Held::default();
        held.make_room(items.size_hint().0.saturating_add(1).max(ITEMS_MIN));
        held.push(first);
        items.for_each(|item| held.push(item));
        held
    }

    /// Adds an item.
    #[inline]
    pub(in crate::expr::jaq) fn push(&mut self, item: Val) {
        self.make_room(1);
        self.0.push(item);
    }

    /// Adds items of another array.
    pub(in crate::expr::jaq) fn extend(&mut self, items: &[Val]) {
        self.make_room(items.len());
        self.0.extend_from_slice(items);
    }

    /// Adds nulls until there are so many items.
    pub(in crate::expr::jaq) fn fill_up(&mut self, len: usize) {
        if let Some(more) = len.checked_sub(self.0.len()) {
            self.make_room(more);
            self.0.resize(len, Val::Null);
        }
    }

    /// The items, each of which may be changed in its place.
    pub(in crate::expr::jaq) fn items_mut(&mut self) -> &mut [Val] {
        &mut self.0
    }
}

impl Held<String> {
    /// Adds a text.
    pub(in crate::expr::jaq) fn push_str(&mut self, text: &str) {
        self.make_room(text.len());
        self.0.push_str(text);
    }
}

impl Held<Map> {
    /// The field of this name, which may be changed in its place.
    pub(in crate::expr::jaq) fn get_mut(&mut self, key: &Text) -> Option<&mut Val> {
        meter::work(key.len());
        self.0.get_mut(key)
    }

    /// The values of the fields, each of which may be changed in its place.
    pub(in crate::expr::jaq) fn values_mut(&mut self) -> impl Iterator<Item = &mut Val> {
        self.0.values_mut()
    }

    /// The value of the field of this name, which is made if there is none.
    pub(in crate::expr::jaq) fn get_or_insert(&mut self, key: &Text) -> &mut Val {
        meter::work(key.len());
        if !self.0.contains_key(key) {
            self.change(|fields| fields.insert(key.clone(), Val::Null));
        }
        self.0.entry(key.clone()).or_default()
    }
}

impl<T: Weighed> Default for Held<T> {
    fn default() -> Self {
        Held::from(T::default())
    }
}

impl<T: Weighed + Clone> Clone for Held<T> {
    fn clone(&self) -> Self {
        meter::room(self.0.weight());
        Held::from(self.0.clone())
    }
}

impl<T: Weighed + IntoIterator> IntoIterator for Held<T> {
    type Item = T::Item;
    type IntoIter = T::IntoIter;

    fn into_iter(self) -> T::IntoIter {
        self.into_inner().into_iter()
    }
}

impl<T: Weighed> Deref for Held<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Weighed> Drop for Held<T> {
    #[inline]
    fn drop(&mut self) {
        meter::release(self.0.weight() + PART_BYTES);
        self.0.let_go();
    }
}

impl Weighed for String {
    fn weight(&self) -> usize {
        self.capacity()
    }

    fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    fn let_go(&mut self) {}
}

impl Growing for String {
    const UNIT_BYTES: usize = 1;

    fn units(&self) -> (usize, usize) {
        (self.len(), self.capacity())
    }

    fn reserve(&mut self, more: usize) {
        self.reserve_exact(more);
    }
}

impl Growing for Vec<Val> {
    const UNIT_BYTES: usize = size_of::<Val>();

    fn units(&self) -> (usize, usize) {
        (self.len(), self.capacity())
    }

    fn reserve(&mut self, more: usize) {
        self.reserve_exact(more);
    }
}

impl Weighed for Vec<Val> {
    fn weight(&self) -> usize {
        self.capacity() * size_of::<Val>()
    }

    fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    #[inline]
    fn let_go(&mut self) {
        if !self.is_empty() {
            let_go(self, Vec::clear, Contents::Items);
        }
    }
}

impl Weighed for Map {
    fn weight(&self) -> usize {
        self.capacity() * FIELD_BYTES
    }

    /// With the same hasher: a new one would be seeded anew.
    fn take(&mut self) -> Self {
        let empty = Map::with_hasher(self.hasher().clone());
        std::mem::replace(self, empty)
    }

    #[inline]
    fn let_go(&mut self) {
        if !self.is_empty() {
            let_go(self, Map::clear, Contents::Fields);
        }
    }
}

/// What is to be dropped.
enum Contents {
    Items(Vec<Val>),
    Fields(Map),
}

thread_local! {
    /// How many values are being dropped, each within the one before.
    static LEVELS: Cell<u32> = const { Cell::new(0) };
    static IS_WAITING: Cell<bool> = const { Cell::new(false) };
    static WAITING: RefCell<Vec<Contents>> = const { RefCell::new(Vec::new()) };
}

/// Drops what `whole` contains, in its place; only what is too deep is taken out, to wait.
#[inline]
fn let_go<T: Weighed>(whole: &mut T, clear: fn(&mut T), contents: fn(T) -> Contents) {
    let levels = LEVELS.get();
    if levels >= DROP_LEVELS_MAX {
        return wait(contents(whole.take()));
    }
    LEVELS.set(levels + 1);
    clear(whole);
    LEVELS.set(levels);
    if levels == 0 && IS_WAITING.get() {
        let_go_waiting();
    }
}

#[cold]
fn wait(contents: Contents) {
    IS_WAITING.set(true);
    WAITING.with_borrow_mut(|waiting| waiting.push(contents));
}

#[cold]
fn let_go_waiting() {
    while let Some(next) = WAITING.with_borrow_mut(Vec::pop) {
        let_go_one(next);
    }
    IS_WAITING.set(false);
}

/// Drops one that had to wait; what is too deep in it waits in its place.
fn let_go_one(contents: Contents) {
    LEVELS.set(1);
    match contents {
        Contents::Items(items) => drop(items),
        Contents::Fields(fields) => drop(fields),
    }
    LEVELS.set(0);
}
