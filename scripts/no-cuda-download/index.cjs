// The install script of onnxruntime-node downloads CUDA libraries to every Linux machine. npm does not run it from 11.16 on
// (package.json, "allowScripts"), but older versions of npm do. The script begins with this function of global-agent, which
// no other package uses. Here it ends the script, unless the caller says what to install (docs/cluster.md, "A GPU").
exports.bootstrap = () => {
  if (!process.env.ONNXRUNTIME_NODE_INSTALL) process.exit(0);
};
