import { render } from "preact";
import { Shell } from "./shell";
import "./style/tokens.css";
import "./style/base.css";

render(<Shell />, document.body);
