//! Nothing: this package is its tests, which need a package to belong to.
