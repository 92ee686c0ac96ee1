/** What of training needs Node: a progress bar for terminals. */
export { progressBar, type ProgressBarOptions } from './progress/progress-bar.js';
