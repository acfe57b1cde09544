//! The tray against a model and against damage.
