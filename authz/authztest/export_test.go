package authztest

// Leaks is leaks.
var Leaks = leaks
