export {
  type Crop,
  type CropColumn,
  type CropRow,
  type CropTile,
  drawCropSheet,
  drawTargetCrops,
} from './crop-pictures.ts';
export { type Colour, Drawing, type Greys, LINE_PX } from './drawing.ts';
export { encodePicture, type PictureLine, type PictureWords } from './frame.ts';
export { BLACK, GRADE_COLOURS, GRADE_WORDS, GREY, PAPER, WHITE } from './palette.ts';
export { drawSlice, type Marker, type SliceView } from './slice-picture.ts';
