/**
 * Turns off the telemetry of ONNX Runtime. Its packages for Linux and macOS send usage events to Microsoft by default
 * (since 1.30; microsoft/onnxruntime pull request 27379) and keep a device id in the temporary folder. A worker in a
 * hospital must not do that. The library reads the variable once, when it is loaded, and only from the environment of
 * the main thread. Import this file before anything that loads the library.
 */

process.env.ORT_DISABLE_TELEMETRY ??= '1';
