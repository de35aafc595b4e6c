/**
 * ONNX Runtime's packages for Linux and macOS send usage events to Microsoft unless told otherwise (since 1.30;
 * microsoft/onnxruntime pull request 27379), and keep a device id among the temporary files. A hospital's worker must
 * not. The switch is read once, when the library is loaded, and only the main thread's environment reaches it: import
 * this before anything that loads it.
 */

process.env.ORT_DISABLE_TELEMETRY ??= '1';
